"""A project's board through the API: columns, tasks, and both in one order whoever moves what at once."""

import asyncio
import random
from collections import Counter
from itertools import pairwise
from unittest.mock import ANY

import pytest

from shared.identifiers import new_id
from tests.system.house import House
from tests.system.people import Json, Person, expect, refusal, wrong_fields
from tests.system.projects.team import Team, begin, path_of


async def board_of(team: Team) -> list[Json]:
    columns: list[Json] = expect(await team.member.get(team.at("board")), 200)["columns"]
    return columns


async def order_of(team: Team) -> list[list[str]]:
    """The titles of each column's tasks."""
    return [[task["title"] for task in column["tasks"]] for column in await board_of(team)]


async def add(team: Team, title: str, **fields: object) -> Json:
    return expect(await team.member.post(team.at("tasks"), {"title": title, **fields}), 201)


async def move(person: Person, team: Team, task: Json, column: Json, after: Json | None = None) -> Json:
    body = {"columnId": column["id"], "afterId": after["id"] if after else None}
    return expect(await person.post(team.at("tasks", task["id"], "move"), body), 200)


async def test_a_new_project_has_three_columns(team: Team) -> None:
    columns = expect(await team.member.get(team.at("columns")), 200)["columns"]
    assert [(one["name"], one["status"], one["position"]) for one in columns] == [
        ("To Do", "TODO", 0),
        ("In Progress", "IN_PROGRESS", 1),
        ("Done", "DONE", 2),
    ]
    assert [one | {"tasks": [], "taskCount": 0} for one in columns] == await board_of(team)


async def test_a_task_is_shown_with_all_its_fields(team: Team) -> None:
    (first, *_) = await board_of(team)
    sent = {"title": "Book it", "description": "Two rooms", "assigneeId": team.member.id, "dueDate": "2031-02-28", "priority": "HIGH"}
    answer = await team.member.post(team.at("tasks"), sent)
    task = expect(answer, 201)
    assert task == sent | {
        "id": ANY,
        "projectId": team.project["id"],
        "number": 1,
        "columnId": first["id"],
        "status": "TODO",
        "position": 0,
        "createdBy": team.member.id,
        "createdAt": ANY,
        "updatedAt": task["createdAt"],
        "version": 1,
    }
    assert answer.headers["location"] == team.at("tasks", task["id"])
    assert expect(await team.owner.get(team.at("tasks", task["id"])), 200) == task
    (column, *_) = await board_of(team)
    assert column["tasks"] == [{name: value for name, value in task.items() if name != "description"}]
    assert column["taskCount"] == 1


async def test_tasks_are_numbered_in_their_project_whoever_makes_them_at_once(team: Team) -> None:
    await asyncio.gather(*(add(team, f"Task {place}") for place in range(20)))
    page = expect(await team.member.get(team.at("tasks")), 200)
    assert [task["number"] for task in page["tasks"]] == list(range(1, 21))
    other = await begin(team.member)
    assert expect(await team.member.post(f"{path_of(other)}/tasks", {"title": "First"}), 201)["number"] == 1


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


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"priority": "HIGH"}, ["b"]),
        ({"status": "DONE"}, ["c"]),
        ({"dueFrom": "2031-01-02"}, ["b", "c"]),
        ({"dueTo": "2031-01-02"}, ["a", "b"]),
        ({"q": "RAIL"}, ["c"]),
        ({"q": "%"}, []),
        ({"number": 2}, ["b"]),
        ({"priority": "LOW", "dueTo": "2031-01-01"}, ["a"]),
    ],
    ids=str,
)
async def test_tasks_are_found_by_what_they_are(query: dict[str, object], titles: list[str], team: Team) -> None:
    *_, done = await board_of(team)
    await add(team, "a", priority="LOW", dueDate="2031-01-01")
    await add(team, "b", priority="HIGH", dueDate="2031-01-02", assigneeId=team.member.id)
    await add(team, "c", dueDate="2031-01-03", columnId=done["id"], description="by rail")
    assert [task["title"] for task in expect(await team.owner.get(team.at("tasks"), **query), 200)["tasks"]] == titles


async def test_tasks_are_found_by_their_column_and_their_assignee_and_paged(team: Team) -> None:
    todo, *_ = await board_of(team)
    tasks = [await add(team, f"{place}", assigneeId=team.owner.id) for place in range(3)]
    query = {"columnId": todo["id"], "assigneeId": team.owner.id, "limit": 2}
    first = expect(await team.member.get(team.at("tasks"), **query), 200)
    rest = expect(await team.member.get(team.at("tasks"), **query, cursor=first["nextCursor"]), 200)
    assert (first["tasks"] + rest["tasks"], first["hasMore"], rest["hasMore"]) == (tasks, True, False)
    assert refusal(await team.member.get(team.at("tasks"), cursor=first["nextCursor"])) == (400, "cursor_is_not_valid")


async def test_only_members_of_the_project_have_its_tasks(team: Team) -> None:
    body = {"title": "one", "assigneeId": team.stranger.id}
    assert wrong_fields(await team.member.post(team.at("tasks"), body)) == {"assigneeId": "not_a_member"}
    task = await add(team, "one")
    changed = await team.member.patch(team.at("tasks", task["id"]), {"assigneeId": team.stranger.id})
    assert wrong_fields(changed) == {"assigneeId": "not_a_member"}


async def test_only_what_is_sent_of_a_task_is_changed(team: Team) -> None:
    task = await add(team, "one", priority="LOW", dueDate="2031-01-01")
    path = team.at("tasks", task["id"])
    changed = expect(await team.member.patch(path, {"title": "two", "dueDate": None}), 200)
    assert changed == task | {"title": "two", "dueDate": None, "version": 2, "updatedAt": changed["updatedAt"]}
    assert expect(await team.member.patch(path, {"title": "two"}), 200) == changed


async def test_maintainers_delete_tasks_and_members_do_not(team: Team) -> None:
    task = await add(team, "one")
    path = team.at("tasks", task["id"])
    assert refusal(await team.member.delete(path)) == (403, "project_role_is_not_enough")
    expect(await team.maintainer.delete(path), 204)
    expect(await team.maintainer.delete(path), 204)
    assert refusal(await team.member.get(path)) == (404, "task_not_found")
    assert await order_of(team) == [[], [], []]


async def test_columns_are_put_in_order(team: Team) -> None:
    todo, doing, done = await board_of(team)
    review = expect(await team.maintainer.post(team.at("columns"), {"name": "Review", "status": "IN_PROGRESS", "position": 2}), 201)
    assert [one["name"] for one in await board_of(team)] == ["To Do", "In Progress", "Review", "Done"]
    expect(await team.maintainer.patch(team.at("columns", todo["id"]), {"position": 3}), 200)
    assert [(one["name"], one["position"]) for one in await board_of(team)] == [
        ("In Progress", 0),
        ("Review", 1),
        ("Done", 2),
        ("To Do", 3),
    ]
    expect(await team.maintainer.delete(team.at("columns", review["id"])), 204)
    expect(await team.maintainer.delete(team.at("columns", review["id"])), 204)
    assert [(one["id"], one["position"]) for one in await board_of(team)] == [(doing["id"], 0), (done["id"], 1), (todo["id"], 2)]


async def test_many_who_reorder_columns_at_once_leave_one_order(team: Team) -> None:
    columns = await board_of(team)
    changes = [team.owner.patch(team.at("columns", column["id"]), {"position": place}) for column in columns for place in range(3)]
    assert {answer.status_code for answer in await asyncio.gather(*changes)} == {200}
    left = await board_of(team)
    assert [one["position"] for one in left] == [0, 1, 2]
    assert {one["id"] for one in left} == {one["id"] for one in columns}


async def test_a_column_that_holds_tasks_stays(team: Team) -> None:
    task = await add(team, "one")
    path = team.at("columns", task["columnId"])
    assert refusal(await team.maintainer.delete(path)) == (409, "column_has_tasks")
    expect(await team.maintainer.delete(team.at("tasks", task["id"])), 204)
    expect(await team.maintainer.delete(path), 204)


async def test_another_status_of_a_column_is_that_of_its_tasks(team: Team) -> None:
    task = await add(team, "one")
    expect(await team.maintainer.patch(team.at("columns", task["columnId"]), {"status": "DONE", "name": "Ready"}), 200)
    assert expect(await team.member.get(team.at("tasks", task["id"])), 200)["status"] == "DONE"


async def test_a_board_without_columns_takes_no_task(team: Team) -> None:
    for column in await board_of(team):
        expect(await team.maintainer.delete(team.at("columns", column["id"])), 204)
    assert refusal(await team.member.post(team.at("tasks"), {"title": "one"})) == (409, "board_has_no_column")


async def test_members_move_tasks_and_not_columns(team: Team) -> None:
    (column, *_) = await board_of(team)
    assert refusal(await team.member.patch(team.at("columns", column["id"]), {"name": "Mine"})) == (403, "project_role_is_not_enough")
    assert refusal(await team.member.post(team.at("columns"), {"name": "Mine"})) == (403, "project_role_is_not_enough")


async def test_a_board_of_an_archived_project_stays_as_it_is(team: Team) -> None:
    task = await add(team, "one")
    expect(await team.owner.patch(team.path, {"archived": True}), 200)
    path = team.at("tasks", task["id"])
    for answer in (
        await team.owner.post(team.at("tasks"), {"title": "two"}),
        await team.owner.patch(path, {"title": "two"}),
        await team.owner.post(f"{path}/move", {"columnId": task["columnId"]}),
        await team.owner.delete(path),
        await team.owner.post(team.at("columns"), {"name": "New"}),
    ):
        assert refusal(answer) == (409, "project_is_archived")
    assert await order_of(team) == [["one"], [], []]


async def test_what_happens_on_a_board_is_told_with_its_project(team: Team, house: House) -> None:
    before = len(await house.events("projects", team.project["id"]))
    _, doing, _ = await board_of(team)
    task = await add(team, "one")
    await move(team.member, team, task, doing)
    expect(await team.maintainer.patch(team.at("columns", doing["id"]), {"name": "Doing"}), 200)
    told = await house.events("projects", team.project["id"])
    assert told[before:] == ["task_changed", "task_changed", "column_changed"]
