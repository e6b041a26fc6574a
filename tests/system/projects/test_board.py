"""A project's board through the API: its columns and its tasks."""

import asyncio
from unittest.mock import ANY

import pytest

from tests.system.house import House
from tests.system.people import expect, refusal, wrong_fields
from tests.system.projects.boards import add, board_of, move, order_of
from tests.system.projects.team import Team, begin, path_of


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
