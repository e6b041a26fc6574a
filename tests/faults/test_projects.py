"""Projects while what they need is away, or dies: a project is there with all that belongs to it, sooner or later, and once."""

import asyncio
import random

import httpx2

from shared.identifiers import new_id
from tests.faults.holding import a_commit_is_held, commits_unanswered
from tests.faults.house import House, eventually
from tests.faults.load import NO_ANSWER, UNAVAILABLE
from tests.system.people import Json, Person, expect, messages_of, opening, refusal
from tests.system.projects.team import PROJECTS, begin, path_of

AWAY = (UNAVAILABLE, "service_is_unavailable")
WRITERS = TASKS = 20
AT_ONCE = 1.0
"""Seconds in which somebody hears that something is away."""


def thread_of(project: Json) -> Json:
    return {"id": project["threadId"]}


async def is_talked_in(person: Person, project: Json) -> None:
    """Wait until the project's thread takes a post."""

    async def takes_one() -> bool:
        return (await person.post(messages_of(thread_of(project)), {"content": "Hello"})).status_code == 201

    await eventually(takes_one, "the project's thread takes a post")


async def test_a_project_that_begins_while_threads_is_away_works_and_its_thread_is_there_once_threads_is(house: House) -> None:
    person = house.people[0]
    house.programs["threads"].kill()
    async with asyncio.timeout(AT_ONCE):
        project = await begin(person)
    expect(await person.post(f"{path_of(project)}/tasks", {"title": "Book it"}), 201)
    assert refusal(await person.post(messages_of(thread_of(project)), {"content": "Hello"})) == AWAY
    await house.programs["threads"].start()
    await is_talked_in(person, project)
    thread = expect(await person.get(f"/api/collab/threads/{project['threadId']}"), 200)
    assert (thread["kind"], thread["title"], thread["projectId"]) == ("project", "Turin", project["id"])


async def test_while_projects_is_away_its_threads_are_refused_and_others_go_on(house: House) -> None:
    person, thread = house.people[0], await house.opened_thread()
    project = await begin(person)
    await person.say(thread_of(project))
    house.programs["projects"].kill()
    assert refusal(await person.get(path_of(project))) == AWAY
    refused = await person.post(messages_of(thread_of(project)), {"content": "Hello"})
    assert (refusal(refused), refused.headers["retry-after"]) == (AWAY, "1")
    assert refusal(await person.get(messages_of(thread_of(project)))) == AWAY
    await person.say(thread)
    expect(await person.post("/api/collab/threads", opening("group")), 201)
    listed = [one["id"] for one in (await person.threads())["threads"]]
    assert thread["id"] in listed
    assert project["threadId"] not in listed, "nobody can say who may see it"
    await house.programs["projects"].start()
    await is_talked_in(person, project)
    assert project["threadId"] in [one["id"] for one in (await person.threads())["threads"]]


async def test_a_project_whose_service_dies_between_its_commit_and_its_thread_is_made_once_and_has_one(house: House) -> None:
    person, key, name = house.people[0], str(new_id()), f"Turin {new_id()}"
    async with commits_unanswered(house):
        lost = asyncio.create_task(person.ask("POST", PROJECTS, {"name": name}, idempotency_key=key))
        await a_commit_is_held(house, "projects")
        house.programs["projects"].kill()
    assert refusal(await lost) == AWAY
    await house.programs["projects"].restart()
    again = await person.ask("POST", PROJECTS, {"name": name}, idempotency_key=key)
    project = expect(again, 201)
    assert again.headers["idempotent-replayed"] == "true"
    found = expect(await person.get(PROJECTS, q=name), 200)["projects"]
    assert [one["id"] for one in found] == [project["id"]]
    await is_talked_in(person, project)


async def test_a_board_that_twenty_move_while_projects_is_killed_keeps_every_task_once_where_it_was_put_last(house: House) -> None:
    person = house.people[0]
    project = await begin(person)
    path = path_of(project)
    columns = [one["id"] for one in expect(await person.get(f"{path}/columns"), 200)["columns"]]
    tasks = [expect(await person.post(f"{path}/tasks", {"title": str(place)}), 201)["id"] for place in range(TASKS)]
    put, moves, ends = dict[str, str](), list[str](), asyncio.Event()

    async def drag(writer: int) -> None:
        chance = random.Random(writer)
        while not ends.is_set():
            column, after = chance.choice(columns), chance.choice([None, *tasks[:writer], *tasks[writer + 1 :]])
            while await _moved(person, f"{path}/tasks/{tasks[writer]}/move", {"columnId": column, "afterId": after}) != 200:
                await asyncio.sleep(0.1)
            put[tasks[writer]] = column
            moves.append(column)

    async def more() -> None:
        enough = len(moves) + 100
        await eventually(lambda: len(moves) > enough, "tasks are moved")

    writers = [asyncio.create_task(drag(writer)) for writer in range(WRITERS)]
    await more()
    await house.programs["projects"].restart()
    await more()
    ends.set()
    await asyncio.gather(*writers)
    board = expect(await person.get(f"{path}/board"), 200)["columns"]
    assert sorted(task["id"] for column in board for task in column["tasks"]) == sorted(tasks)
    assert {task["id"]: column["id"] for column in board for task in column["tasks"]} == put
    for column in board:
        positions = [task["position"] for task in column["tasks"]]
        assert positions == sorted(set(positions))


async def _moved(person: Person, path: str, body: Json) -> int:
    try:
        answer = await person.post(path, body)
    except httpx2.TransportError:
        return NO_ANSWER
    assert answer.status_code in (200, UNAVAILABLE), answer.text
    return answer.status_code
