"""A client is told what it subscribes to, of all that it may see; and all of it while it subscribes to nothing."""

import pytest

from tests.system.house import House
from tests.system.people import Json, Person, expect, path_of
from tests.system.projects.team import begin
from tests.system.projects.team import path_of as project_path
from tests.system.realtime.followers import Follower, Transport, caught_up, following, marked


async def acts(agent: Person, threads: list[Json], project: Json, text: str) -> None:
    """A message in each thread, a change of each, and a task in the project."""
    for thread in threads:
        await agent.say(thread, text)
        expect(await agent.patch(path_of(thread), {"title": text}), 200)
    expect(await agent.post(f"{project_path(project)}/tasks", {"title": text}), 201)


async def heard(house: House, follower: Follower, agent: Person, text: str) -> list[tuple[str, str]]:
    """The types and places of what was told of acts with this text. The mark comes to all who want their own changes."""
    mark = (await marked(house, [agent]))[agent.id]
    frames = await caught_up(follower, mark)
    return [(frame["type"], _place(frame)) for frame in frames if text in str(frame["data"])]


def _place(frame: Json) -> str:
    data = frame["data"]
    return str(data.get("projectId") or (data.get("thread") or {}).get("id") or data["message"]["threadId"])


@pytest.fixture
async def places(agent: Person) -> tuple[list[Json], Json]:
    return [await agent.open(), await agent.open()], await begin(agent)


async def test_subscribing_narrows_and_unsubscribing_widens(house: House, agent: Person, places: tuple[list[Json], Json]) -> None:
    threads, project = places
    one, other = threads
    async with following(house, agent, Transport.WEBSOCKET) as follower:
        assert (await follower.says("subscribe", threads=[one["id"], agent.id]))["data"] == {"names": 2}
        await acts(agent, threads, project, "one thread")
        told = await heard(house, follower, agent, "one thread")
        assert told == [("messagePosted", one["id"]), ("threadChanged", one["id"])]

        await follower.says("subscribe", projects=[project["id"]])
        await acts(agent, threads, project, "and a project")
        told = await heard(house, follower, agent, "and a project")
        assert sorted(told) == sorted([("messagePosted", one["id"]), ("threadChanged", one["id"]), ("taskChanged", project["id"])])

        await follower.says("subscribe", types=["messagePosted", "userChanged"])
        await acts(agent, threads, project, "messages alone")
        assert await heard(house, follower, agent, "messages alone") == [("messagePosted", one["id"])]

        await follower.says("unsubscribe", threads=[one["id"], agent.id], projects=[project["id"]])
        await acts(agent, threads, project, "all messages")
        told = await heard(house, follower, agent, "all messages")
        assert told == [("messagePosted", one["id"]), ("messagePosted", other["id"])]

        assert (await follower.says("unsubscribe", types=["messagePosted", "userChanged"]))["data"] == {"names": 0}
        await acts(agent, threads, project, "everything")
        assert len(await heard(house, follower, agent, "everything")) == 5


@pytest.mark.parametrize("over", Transport)
async def test_interests_that_come_with_signing_in_hold_from_the_start(
    house: House, over: Transport, agent: Person, places: tuple[list[Json], Json]
) -> None:
    threads, project = places
    async with following(house, agent, over) as whole:
        cursor = whole.last
        await acts(agent, threads, project, "before")
        assert len(await heard(house, whole, agent, "before")) == 5
    types = ["messagePosted", "taskChanged", "userChanged"]
    keys = [threads[0]["id"], agent.id]
    async with following(house, agent, over, cursor, threads=keys, projects=[project["id"]], types=types) as follower:
        expected = [("messagePosted", threads[0]["id"]), ("taskChanged", project["id"])]
        assert sorted(await heard(house, follower, agent, "before")) == sorted(expected)
        await acts(agent, threads, project, "after")
        assert sorted(await heard(house, follower, agent, "after")) == sorted(expected)


@pytest.mark.parametrize("over", Transport)
async def test_nobody_sees_more_by_asking_for_it(house: House, over: Transport, agent: Person, client: Person) -> None:
    thread, project = await agent.open(), await begin(agent)
    async with following(house, client, over, threads=[thread["id"], client.id], projects=[project["id"]]) as follower:
        await acts(agent, [thread], project, "hidden")
        mark = (await marked(house, [client]))[client.id]
        assert [frame["type"] for frame in await caught_up(follower, mark)] == ["ready"]
