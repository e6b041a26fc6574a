"""A project's own thread through the API: its members talk there, and the project decides who they are."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.contracts.principal import Role
from tests.system.house import House
from tests.system.people import Json, Person, expect, messages_of, opening, path_of, refusal, wrong_fields
from tests.system.projects.team import PROJECTS, Team, begin, join
from tests.system.projects.team import path_of as project_path


def thread_of(project: Json) -> Json:
    return {"id": project["threadId"]}


async def eventually(found: Callable[[], Awaitable[bool]]) -> None:
    """What follows events is so within seconds."""
    async with asyncio.timeout(10):
        while not await found():
            await asyncio.sleep(0.02)


async def test_who_begins_a_project_posts_to_its_thread_in_the_next_request(client: Person) -> None:
    project = await begin(client, name="Turin")
    thread = expect(await client.get(path_of(thread_of(project))), 200)
    assert (thread["kind"], thread["title"], thread["projectId"]) == ("project", "Turin", project["id"])
    assert [(one["userId"], one["participantRole"]) for one in thread["participants"]] == [(client.id, "moderator")]
    await client.say(thread)
    assert project["threadId"] in [one["id"] for one in (await client.threads())["threads"]]


async def test_who_is_added_reads_and_posts_in_the_next_request(team: Team) -> None:
    thread = thread_of(team.project)
    said = await team.owner.say(thread)
    assert [one["id"] for one in (await team.member.page(thread))["messages"]] == [said["id"]]
    await team.member.say(thread)
    assert refusal(await team.stranger.get(messages_of(thread))) == (404, "thread_not_found")
    await join(team.project, team.owner, team.stranger)
    await team.stranger.say(thread)


async def test_who_is_removed_is_refused_from_the_next_request_on(team: Team) -> None:
    thread = thread_of(team.project)
    await team.member.say(thread)
    expect(await team.owner.delete(team.at("members", team.member.id)), 204)
    for answer in (
        await team.member.get(messages_of(thread)),
        await team.member.post(messages_of(thread), {"content": "Hello"}),
        await team.member.get(path_of(thread)),
        await team.member.get(f"{path_of(thread)}/participants"),
    ):
        assert refusal(answer) == (404, "thread_not_found")
    assert thread["id"] not in [one["id"] for one in (await team.member.threads())["threads"]]


async def test_supervisors_see_no_threads_of_others_projects(team: Team, house: House) -> None:
    thread = thread_of(team.project)
    assert refusal(await house.host.get(path_of(thread))) == (404, "thread_not_found")
    assert refusal(await house.host.get(messages_of(thread))) == (404, "thread_not_found")
    assert thread["id"] not in [one["id"] for one in (await house.host.threads(kind="project"))["threads"]]


async def test_nothing_is_posted_to_the_thread_of_an_archived_project(team: Team) -> None:
    thread = thread_of(team.project)
    said = await team.member.say(thread)
    expect(await team.owner.patch(team.path, {"archived": True}), 200)
    assert refusal(await team.owner.post(messages_of(thread), {"content": "Hello"})) == (409, "thread_is_archived")
    assert [one["id"] for one in (await team.member.page(thread))["messages"]] == [said["id"]]
    expect(await team.owner.patch(team.path, {"archived": False}), 200)
    await team.member.say(thread)


async def test_the_thread_of_a_deleted_project_is_not_there(team: Team) -> None:
    expect(await team.owner.delete(team.path), 204)
    assert refusal(await team.owner.get(messages_of(thread_of(team.project)))) == (404, "thread_not_found")


async def test_the_thread_follows_its_project(team: Team) -> None:
    thread = thread_of(team.project)

    async def shown() -> Json:
        return expect(await team.owner.get(path_of(thread)), 200)

    async def has_all() -> bool:
        return {one["userId"] for one in (await shown())["participants"]} == {team.owner.id, team.maintainer.id, team.member.id}

    await eventually(has_all)
    parts = {one["userId"]: one["participantRole"] for one in (await shown())["participants"]}
    assert parts == {team.owner.id: "moderator", team.maintainer.id: "moderator", team.member.id: "member"}
    expect(await team.owner.patch(team.path, {"name": "Milan", "archived": True}), 200)

    async def is_renamed() -> bool:
        found = await shown()
        return (found["title"], found["archived"]) == ("Milan", True)

    await eventually(is_renamed)
    expect(await team.owner.patch(team.path, {"archived": False}), 200)
    expect(await team.owner.delete(team.at("members", team.member.id)), 204)

    async def has_lost_one() -> bool:
        found = await shown()
        return not found["archived"] and found["participantCount"] == 2

    await eventually(has_lost_one)


async def test_a_projects_thread_is_changed_with_its_project_alone(team: Team) -> None:
    path = path_of(thread_of(team.project))
    for answer in (
        await team.owner.patch(path, {"title": "Another"}),
        await team.owner.post(f"{path}/participants", {"userId": team.stranger.id}),
        await team.owner.delete(f"{path}/participants/{team.owner.id}"),
        await team.owner.patch(path, {"archived": True}),
    ):
        assert refusal(answer) == (409, "project_thread_is_fixed")


async def test_who_archives_threads_archives_no_projects_thread(house: House) -> None:
    agent = await house.person(Role.AGENT)
    project = await begin(agent)
    assert refusal(await agent.delete(path_of(thread_of(project)))) == (409, "project_thread_is_fixed")


async def test_a_projects_thread_is_not_opened_by_hand(house: House) -> None:
    person = await house.person(Role.AGENT)
    assert wrong_fields(await person.post("/api/collab/threads", opening("project"))) == {"body": "invalid"}


async def test_each_project_has_a_thread_of_its_own(client: Person) -> None:
    projects = [await begin(client) for _ in range(3)]
    assert len({project["threadId"] for project in projects}) == 3
    assert [one["threadId"] for one in expect(await client.get(PROJECTS), 200)["projects"]] == [
        project["threadId"] for project in reversed(projects)
    ]
    assert project_path(projects[0])
