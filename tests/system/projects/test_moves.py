"""Tasks that are moved on a project's board: one order, whoever moves what at once."""

import asyncio
import random
from collections import Counter
from itertools import pairwise

from shared.identifiers import new_id
from tests.system.house import House
from tests.system.people import Person, expect, refusal, wrong_fields
from tests.system.projects.boards import add, board_of, move, order_of
from tests.system.projects.team import Team, begin, path_of


async def test_moving_a_task_gives_it_the_columns_status(team: Team) -> None:
    todo, doing, done = await board_of(team)
    one, two, three = [await add(team, title) for title in ("one", "two", "three")]
    assert (await move(team.member, team, two, done))["status"] == "DONE"
    assert (await move(team.member, team, one, doing))["status"] == "IN_PROGRESS"
    await move(team.member, team, three, done, after=two)
    assert await order_of(team) == [[], ["one"], ["two", "three"]]
    back = await move(team.member, team, three, todo)
    assert (back["status"], back["columnId"], back["version"]) == ("TODO", todo["id"], 3)


async def test_a_move_to_where_a_task_is_already_changes_nothing(team: Team) -> None:
    todo, *_ = await board_of(team)
    one, two = [await add(team, title) for title in ("one", "two")]
    assert await move(team.member, team, two, todo, after=one) == two
    assert await move(team.member, team, one, todo) == one


async def test_a_task_can_be_put_into_one_place_again_and_again(team: Team) -> None:
    todo, *_ = await board_of(team)
    first, *others = [await add(team, f"{place}") for place in range(40)]
    for task in others:
        await move(team.member, team, task, todo, after=first)
    assert (await order_of(team))[0] == ["0", *(f"{place}" for place in range(39, 0, -1))]


async def test_of_many_who_come_into_one_place_at_once_all_are_there(team: Team) -> None:
    todo, doing, _ = await board_of(team)
    first, last, *others = [await add(team, f"{place}") for place in range(62)]
    await move(team.member, team, first, doing)
    await move(team.member, team, last, doing, after=first)
    await asyncio.gather(*(move(team.member, team, task, doing, after=first) for task in others))
    (left, there, _) = await order_of(team)
    assert (left, there[0], there[-1]) == ([], first["title"], last["title"])
    assert sorted(map(int, there)) == list(range(62))
    assert todo["id"] == first["columnId"]


async def test_of_moves_that_come_after_one_another_at_once_each_is_where_it_was_put(team: Team) -> None:
    """A chain: whatever the order in which they are done, each task ends in the column."""
    _, doing, done = await board_of(team)
    tasks = [await add(team, f"{place}") for place in range(30)]
    chain = [move(team.member, team, task, doing, after=before) for before, task in pairwise(tasks)]
    again = [move(team.owner, team, task, done) for task in tasks[1::2]]
    moved = await asyncio.gather(*chain, *again)
    versions = Counter(task["id"] for task in moved)
    left = {task["id"]: task["version"] for column in await board_of(team) for task in column["tasks"]}
    assert left == {task["id"]: 1 + versions[task["id"]] for task in tasks}


async def test_of_many_moves_at_once_none_loses_a_task(team: Team) -> None:
    columns = await board_of(team)
    tasks = [await add(team, f"{place}") for place in range(15)]
    chance = random.Random(7)

    async def drag(person: Person) -> None:
        for _ in range(10):
            task, after = chance.sample(tasks, 2)
            await move(person, team, task, chance.choice(columns), chance.choice([after, None]))

    await asyncio.gather(*(drag((team.owner, team.maintainer, team.member)[place % 3]) for place in range(20)))
    left = await board_of(team)
    shown = [task for column in left for task in column["tasks"]]
    assert sorted(int(task["title"]) for task in shown) == list(range(15))
    for column in left:
        assert {task["status"] for task in column["tasks"]} <= {column["status"]}
        positions = [task["position"] for task in column["tasks"]]
        assert positions == sorted(set(positions))
    assert left == await board_of(team)


async def test_the_history_of_a_move_names_each_ones_own_mover(team: Team, house: House) -> None:
    _, doing, done = await board_of(team)
    task, other = await add(team, "one"), await add(team, "two")
    await asyncio.gather(move(team.owner, team, task, done), move(team.member, team, other, doing))
    found = "SELECT changed_by::text FROM projects.tasks_history WHERE id = $1"
    assert await house.database.fetchval(found, task["id"]) == team.owner.id
    assert await house.database.fetchval(found, other["id"]) == team.member.id


async def test_a_task_comes_to_the_end_where_what_it_comes_after_is_elsewhere(team: Team) -> None:
    _, doing, done = await board_of(team)
    one, two, three = [await add(team, title) for title in ("one", "two", "three")]
    await move(team.member, team, one, done)
    await move(team.member, team, two, doing)
    await move(team.member, team, three, done, after=two)
    assert await order_of(team) == [[], ["two"], ["one", "three"]]


async def test_a_move_names_a_task_and_a_column_of_its_project(team: Team) -> None:
    other = await begin(team.member)
    (foreign, *_) = expect(await team.member.get(f"{path_of(other)}/columns"), 200)["columns"]
    task = await add(team, "one")
    path, column = team.at("tasks", task["id"], "move"), task["columnId"]
    assert wrong_fields(await team.member.post(path, {"columnId": foreign["id"]})) == {"columnId": "not_found"}
    assert wrong_fields(await team.member.post(path, {"columnId": column, "afterId": str(new_id())})) == {"afterId": "not_found"}
    assert wrong_fields(await team.member.post(path, {"columnId": column, "afterId": task["id"]})) == {"afterId": "not_found"}
    missing = team.at("tasks", str(new_id()), "move")
    assert refusal(await team.member.post(missing, {"columnId": column})) == (404, "task_not_found")
    assert refusal(await team.stranger.post(path, {"columnId": column})) == (404, "project_not_found")
