"""Who types and who is here, through all of Atrium: said over HTTP and sockets, told to those who may know, on whichever gateway."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
import websockets

from shared.contracts.principal import Role
from shared.identifiers import FIRST_ID, new_id
from tests.system.house import House, running_gateway
from tests.system.people import Json, Person, expect, path_of, refusal, taking_part

ALONE = 0.7
"""Seconds in which somebody hears nothing who is told nothing."""


class Socket:
    """One stock WebSocket, and all that it was told."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self.heard: list[Json] = []

    async def listen(self) -> None:
        async for text in self._socket:
            self.heard.append(json.loads(text))

    async def ask(self, **frame: object) -> Json:
        """The answer to a frame."""
        number = len(self.heard) + 1_000
        await self._socket.send(json.dumps({"id": number, **frame}))
        return await self.until(lambda heard: heard.get("id") == number)

    async def until(self, wanted: Callable[[Json], bool]) -> Json:
        async with asyncio.timeout(10):
            while not (found := [frame for frame in self.heard if wanted(frame)]):
                await asyncio.sleep(0.01)
        return found[0]

    def of(self, type: str) -> list[Json]:
        return [frame["data"] for frame in self.heard if frame["type"] == type]


@asynccontextmanager
async def connected(url: str, person: Person) -> AsyncIterator[Socket]:
    address = f"{url.replace('http', 'ws')}/api/collab/ws"
    async with websockets.connect(address, additional_headers=person.bearer, proxy=None) as socket:
        made = Socket(socket)
        listening = asyncio.create_task(made.listen())
        try:
            await made.until(lambda frame: frame["type"] == "ready")
            yield made
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other(house: House) -> AsyncIterator[str]:
    """Another gateway, by its address."""
    async with running_gateway(house.servers, requests_per_minute=0, anonymous_per_minute=0) as url:
        yield url


async def types(person: Person, thread: Json, is_typing: bool = True) -> None:
    expect(await person.post(f"{path_of(thread)}/typing", {"isTyping": is_typing}), 204)


async def test_those_who_see_a_private_thread_are_told_who_types(
    house: House, other: str, agent: Person, client: Person, guest: Person
) -> None:
    stranger, removed = await house.person(Role.AGENT), await house.person(Role.CLIENT)
    thread = await agent.open(isPrivate=True, participants=taking_part(client, guest, removed))
    await removed.delete(f"{path_of(thread)}/participants/{removed.id}")
    async with (
        connected(house.url, client) as near,
        connected(other, guest) as far,
        connected(other, agent) as own,
        connected(house.url, stranger) as outside,
        connected(other, removed) as gone,
    ):
        await types(agent, thread)
        told = {"threadId": thread["id"], "userId": agent.id, "name": agent.user["name"], "isTyping": True}
        for socket in (near, far):
            await socket.until(lambda frame: frame["type"] == "typing")
            assert socket.of("typing") == [told]
        assert expect(await guest.get(f"{path_of(thread)}/typing"), 200) == {
            "threadId": thread["id"],
            "typing": [{"userId": agent.id, "name": agent.user["name"]}],
        }
        await agent.say(thread)
        for socket in (near, far):
            await socket.until(lambda frame: frame["type"] == "typing" and not frame["data"]["isTyping"])
        assert expect(await guest.get(f"{path_of(thread)}/typing"), 200)["typing"] == []
        await asyncio.sleep(ALONE)
        assert (own.of("typing"), outside.of("typing"), gone.of("typing")) == ([], [], [])


async def test_a_socket_types_as_http_does(house: House, other: str, agent: Person, client: Person) -> None:
    thread = await agent.open(participants=taking_part(client))
    observed = await agent.open(participants=taking_part(client))
    expect(await agent.patch(f"{path_of(observed)}/participants/{client.id}", {"participantRole": "observer"}), 200)
    async with connected(other, client) as typing, connected(house.url, agent) as looking:
        assert (await typing.ask(type="typing", threadId=thread["id"], isTyping=True))["type"] == "reply"
        await looking.until(lambda frame: frame["type"] == "typing")
        for at, code in ((observed["id"], "thread_is_read_only_for_you"), (str(new_id()), "thread_not_found")):
            assert (await typing.ask(type="typing", threadId=at, isTyping=True))["code"] == code
        assert [frame["threadId"] for frame in looking.of("typing")] == [thread["id"]]


@pytest.mark.parametrize("by", ["http", "socket"])
async def test_presence_is_of_those_whom_one_may_find(by: str, house: House, agent: Person, client: Person, guest: Person) -> None:
    another = await house.person(Role.CLIENT)
    ids = [agent.id, client.id, another.id, guest.id, str(new_id())]
    found = {agent: [agent.id, client.id, another.id, guest.id], client: [agent.id, client.id]}
    for viewer, expected in found.items():
        if by == "http":
            users = expect(await viewer.get("/api/collab/presence", users=",".join(ids)), 200)["users"]
        else:
            async with connected(house.url, viewer) as socket:
                users = (await socket.ask(type="presence", users=ids))["data"]["users"]
        assert [user["userId"] for user in users] == expected
    if by == "http":
        assert refusal(await guest.get("/api/collab/presence", users=agent.id)) == (403, "permission_is_missing")
    else:
        async with connected(house.url, guest) as socket:
            assert (await socket.ask(type="presence", users=[agent.id]))["code"] == "permission_is_missing"


async def test_who_looks_is_told_as_somebody_comes_goes_and_says_so(house: House, other: str, agent: Person, client: Person) -> None:
    async with connected(house.url, client) as looking:
        (user,) = (await looking.ask(type="presence", users=[agent.id]))["data"]["users"]
        assert (user["presence"], user["currentStatus"]) == ("offline", "offline")
        async with connected(other, agent) as socket:
            await looking.until(lambda frame: frame["type"] == "presence" and frame["data"]["presence"] == "online")
            assert (await socket.ask(type="presence", status="away"))["data"] == {"presence": "away"}
            await looking.until(lambda frame: frame["type"] == "presence" and frame["data"]["presence"] == "away")
            expect(await agent.patch("/api/auth/me", {"currentStatus": "busy"}), 200)
            await looking.until(lambda frame: frame["type"] == "presence" and frame["data"]["currentStatus"] == "busy")
        await looking.until(lambda frame: frame["type"] == "presence" and frame["data"]["presence"] == "offline")
        told = looking.of("presence")
        assert [frame["presence"] for frame in told] == ["online", "away", "away", "offline"]
        assert all(frame["userId"] == agent.id and frame["lastSeenAt"] for frame in told)


async def test_who_looks_at_a_file_is_known_to_members_until_they_are_none(house: House, other: str, agent: Person, client: Person) -> None:
    project = f"/api/projects/{expect(await agent.post('/api/projects', {'name': 'Turin'}), 201)['id']}"
    member = expect(await agent.post(f"{project}/members", {"userId": client.id}), 201)
    file = expect(await agent.post(f"{project}/files", {"path": "a.ts"}), 201)["id"]
    async with connected(house.url, agent) as staying, connected(other, client) as going:
        for socket in (staying, going):
            assert (await socket.ask(type="presence", fileId=file))["data"]["known"] is True
        await staying.until(lambda frame: frame["type"] == "presence" and client.id in frame["data"]["came"])
        shown = expect(await client.get(f"{project}/files/{file}/presence"), 200)
        assert (shown["fileId"], shown["users"]) == (file, sorted([agent.id, client.id]))
        expect(await agent.delete(f"{project}/members/{member['userId']}"), 204)
        await staying.until(lambda frame: frame["type"] == "presence" and frame["data"]["went"] == [client.id])
        heard = len(going.of("presence"))
        await staying.ask(type="presence", fileId=file, looking=False)
        await asyncio.sleep(ALONE)
        assert len(going.of("presence")) == heard
        assert (await going.ask(type="presence", fileId=file))["code"] == "file_not_found"


@pytest.mark.parametrize("users", ["", "x", "a,b", f"{FIRST_ID},", ",".join([str(FIRST_ID)] * 201)], ids=range(5))
async def test_users_are_named_by_their_ids_with_commas_between(users: str, agent: Person) -> None:
    assert refusal(await agent.get("/api/collab/presence", users=users)) == (422, "request_is_invalid")
