"""Access that is lost is lost on live connections within a second; what is won is heard from then on."""

import asyncio
from uuid import UUID

import pytest

from shared.contracts.principal import Role
from tests.system.attachments.files import heard, scan_ends, upload
from tests.system.house import House
from tests.system.people import Json, Person, expect, path_of, taking_part
from tests.system.projects.team import begin, join
from tests.system.projects.team import path_of as project_path
from tests.system.realtime.followers import SOON, Follower, Transport, all_said, caught_up, following, marked
from tests.system.workspaces.test_workspaces import lab_of, member_of


async def told_of(house: House, follower: Follower, person: Person) -> list[Json]:
    """All that somebody was told so far."""
    return await caught_up(follower, (await marked(house, [person]))[person.id])


def contents(frames: list[Json]) -> list[str]:
    return [frame["data"]["message"]["content"] for frame in frames if frame["type"] in ("messagePosted", "notePosted")]


async def test_who_is_removed_from_a_thread_hears_no_more_of_it(house: House, over: Transport, agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    async with following(house, client, over) as follower:
        await agent.say(thread, "before")
        await follower.told("messagePosted")
        expect(await agent.delete(f"{path_of(thread)}/participants/{client.id}"), 204)
        await follower.told("accessChanged", SOON, threadId=thread["id"], access=False)
        await agent.say(thread, "after")
        told = await told_of(house, follower, client)
    assert contents(told) == ["before"]
    assert told[-1]["type"] == "accessChanged"


async def test_who_leaves_hears_no_more(house: House, over: Transport, agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    async with following(house, client, over) as follower:
        expect(await client.delete(f"{path_of(thread)}/participants/{client.id}"), 204)
        await follower.told("accessChanged", SOON, threadId=thread["id"], access=False)
        await agent.say(thread, "after")
        assert contents(await told_of(house, follower, client)) == []


@pytest.mark.parametrize("sees_history", [True, False])
async def test_who_is_added_hears_what_is_said_from_then_on(
    house: House, over: Transport, agent: Person, client: Person, sees_history: bool
) -> None:
    thread = await agent.open()
    async with following(house, client, over) as follower:
        early = await agent.say(thread, "before")
        body = {"userId": client.id, "canSeeHistory": sees_history}
        expect(await agent.post(f"{path_of(thread)}/participants", body), 201)
        await follower.told("accessChanged", SOON, threadId=thread["id"], access=True)
        await agent.say(thread, "after")
        expect(await agent.patch(f"/api/collab/messages/{early['id']}", {"content": "before, changed"}), 200)
        told = await told_of(house, follower, client)
    assert contents(told) == ["after"]
    assert len([frame for frame in told if frame["type"] == "messageEdited"]) == sees_history


async def test_a_file_that_was_uploaded_earlier_than_its_message_is_as_old_as_that(
    house: House, over: Transport, agent: Person, client: Person
) -> None:
    thread = await agent.open()
    file, old = await upload(agent, thread), await upload(agent, thread)
    await agent.say(thread, "before", attachmentIds=[old["id"]])
    expect(await agent.post(f"{path_of(thread)}/participants", {"userId": client.id, "canSeeHistory": False}), 201)
    async with following(house, client, over) as follower:
        await agent.say(thread, "after", attachmentIds=[file["id"]])
        for one in (old, file):
            await heard(house, one)
            await scan_ends(house, one)
        told = await told_of(house, follower, client)
    assert [frame["data"]["attachment"]["id"] for frame in told if frame["type"] == "attachmentChanged"] == [file["id"]]


async def test_who_comes_again_is_told_nothing_of_what_was_meanwhile(house: House, over: Transport, agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    async with following(house, client, over) as follower:
        before = follower.last
        expect(await agent.delete(f"{path_of(thread)}/participants/{client.id}"), 204)
        await agent.say(thread, "while out")
        expect(await agent.post(f"{path_of(thread)}/participants", {"userId": client.id}), 201)
        await follower.told("accessChanged", SOON, threadId=thread["id"], access=True)
        await agent.say(thread, "back")
        mark = (await marked(house, [client]))[client.id]
        live = await caught_up(follower, mark)
    async with following(house, client, over, before) as again:
        resumed = await caught_up(again, mark)
    for told in (live, resumed):
        assert contents(told) == ["back"]
        assert [frame["data"]["access"] for frame in told if frame["type"] == "accessChanged"][-1] is True


@pytest.mark.parametrize("role", [Role.AGENT, Role.PRODUCT_OWNER])
async def test_a_thread_that_is_made_private_is_silent_for_who_looked_on(
    house: House, over: Transport, agent: Person, client: Person, role: Role
) -> None:
    onlooker = await house.person(role)
    thread = await agent.open(participants=taking_part(client))
    async with following(house, onlooker, over) as follower, following(house, client, over) as inside:
        await agent.say(thread, "open")
        await follower.told("messagePosted")
        await inside.told("messagePosted")
        expect(await agent.patch(path_of(thread), {"isPrivate": True}), 200)
        await follower.told("accessChanged", SOON, threadId=thread["id"], access=False)
        await agent.say(thread, "private")
        assert contents(await told_of(house, follower, onlooker)) == ["open"]
        expect(await agent.patch(path_of(thread), {"isPrivate": False}), 200)
        await follower.told("accessChanged", SOON, threadId=thread["id"], access=True)
        await agent.say(thread, "open again")
        assert contents(await told_of(house, follower, onlooker)) == ["open", "open again"]
        assert contents(await told_of(house, inside, client)) == ["open", "private", "open again"]
        assert inside.of("accessChanged") == []


async def test_a_thread_without_guests_is_silent_for_guests(house: House, over: Transport, agent: Person, guest: Person) -> None:
    thread = await agent.open(participants=taking_part(guest))
    async with following(house, guest, over) as follower:
        await agent.say(thread, "with guests")
        await follower.told("messagePosted")
        expect(await agent.patch(path_of(thread), {"guestAccessAllowed": False}), 200)
        await follower.told("accessChanged", SOON, threadId=thread["id"], access=False)
        await agent.say(thread, "without")
        assert contents(await told_of(house, follower, guest)) == ["with guests"]


async def test_who_is_removed_from_a_project_hears_no_more_of_it_and_its_thread(
    house: House, over: Transport, agent: Person, client: Person
) -> None:
    project = await begin(agent)
    member = await join(project, agent, client)
    thread = {"id": project["threadId"]}
    async with following(house, client, over) as follower:
        await agent.say(thread, "before")
        expect(await agent.post(f"{project_path(project)}/tasks", {"title": "before"}), 201)
        await follower.told("messagePosted")
        await follower.told("taskChanged")
        expect(await agent.delete(f"{project_path(project)}/members/{member['id']}"), 204)
        await follower.told("accessChanged", SOON, projectId=project["id"], access=False)
        await agent.say(thread, "after")
        expect(await agent.post(f"{project_path(project)}/tasks", {"title": "after"}), 201)
        told = await told_of(house, follower, client)
    assert contents(told) == ["before"]
    assert [frame["data"]["task"]["title"] for frame in told if frame["type"] == "taskChanged"] == ["before"]


async def test_who_joins_a_project_hears_what_happens_there_from_then_on(
    house: House, over: Transport, agent: Person, client: Person
) -> None:
    project = await begin(agent)
    async with following(house, client, over) as follower:
        expect(await agent.post(f"{project_path(project)}/tasks", {"title": "before"}), 201)
        await join(project, agent, client)
        await follower.told("accessChanged", SOON, projectId=project["id"], access=True)
        expect(await agent.post(f"{project_path(project)}/tasks", {"title": "after"}), 201)
        await agent.say({"id": project["threadId"]}, "after")
        told = await told_of(house, follower, client)
    assert contents(told) == ["after"]
    assert [frame["data"]["task"]["title"] for frame in told if frame["type"] == "taskChanged"] == ["after"]


async def test_what_is_said_in_a_project_before_its_thread_has_heard_of_who_joined_is_told_them(
    house: House, over: Transport, agent: Person, client: Person
) -> None:
    project = await begin(agent)
    async with following(house, client, over) as follower:
        before = follower.last
    await house.database.execute("BEGIN; LOCK TABLE threads.participants IN SHARE MODE")  # the thread hears of it later
    try:
        await join(project, agent, client)
        await agent.say({"id": project["threadId"]}, "after")
        await all_said(house)
    finally:
        await house.database.execute("COMMIT")
    async with asyncio.timeout(10):
        while not await house.database.fetchval("SELECT EXISTS (SELECT FROM threads.participants WHERE user_id = $1)", UUID(client.id)):
            await asyncio.sleep(0.02)
    mark = (await marked(house, [client]))[client.id]
    async with following(house, client, over, before) as again:
        assert contents(await caught_up(again, mark)) == ["after"]


async def test_a_project_that_is_deleted_is_silent(house: House, over: Transport, agent: Person, client: Person) -> None:
    project, stranger = await begin(agent), await house.person()
    await join(project, agent, client)
    async with following(house, client, over) as follower, following(house, stranger, over) as outside:
        before = follower.last
        expect(await agent.delete(project_path(project)), 204)
        await follower.told("accessChanged", SOON, projectId=project["id"], access=False)
        assert {frame["type"] for frame in await told_of(house, outside, stranger)} == {"ready"}
    async with following(house, client, over, before) as again:
        await again.told("accessChanged", projectId=project["id"], access=False)


async def test_an_agent_who_becomes_a_client_is_silent_where_clients_are(house: House, over: Transport, agent: Person) -> None:
    demoted = await house.person(Role.AGENT)
    thread, own = await agent.open(), await agent.open(participants=taking_part(demoted))
    async with following(house, demoted, over) as follower:
        await agent.say(thread, "for agents")
        await agent.say(own, "a note for agents", channel="note")
        await follower.told("messagePosted")
        await follower.told("notePosted")
        expect(await house.host.patch(f"/api/users/{demoted.id}", {"role": "client"}), 200)
        await follower.told("accessChanged", SOON, workspaceId=demoted.user["workspaceId"])
        await agent.say(thread, "not for clients")
        await agent.say(own, "a note, not for clients", channel="note")
        await agent.say(own, "for all")
        assert contents(await told_of(house, follower, demoted)) == ["for agents", "a note for agents", "for all"]


async def test_a_client_who_becomes_an_agent_looks_on(house: House, over: Transport, agent: Person, client: Person) -> None:
    thread = await agent.open()
    async with following(house, client, over) as follower:
        await agent.say(thread, "before")
        expect(await house.host.patch(f"/api/users/{client.id}", {"role": "agent"}), 200)
        await follower.told("accessChanged", SOON, workspaceId=client.user["workspaceId"])
        await agent.say(thread, "after")
        await agent.say(thread, "a note", channel="note")
        assert contents(await told_of(house, follower, client)) == ["after", "a note"]


async def test_a_role_that_grants_less_shows_less(house: House, over: Transport) -> None:
    founder = await lab_of(house)
    granted = ["chat:room:read", "chat:message:read", "identity:self:read", "identity:self:update", "supervisor:chat:read"]
    expect(await founder.post("/api/roles", {"name": "onlooker", "permissions": granted}), 201)
    person = await member_of(founder, "onlooker")
    thread = await founder.open()
    async with following(house, person, over) as follower:
        await founder.say(thread, "granted")
        await follower.told("messagePosted")
        expect(await founder.patch("/api/roles/onlooker", {"permissions": granted[:-1]}), 200)
        await follower.told("accessChanged", SOON, workspaceId=person.user["workspaceId"])
        await founder.say(thread, "not granted")
        assert contents(await told_of(house, follower, person)) == ["granted"]
