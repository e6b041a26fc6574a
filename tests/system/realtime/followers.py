"""Those who follow what happens, with stock clients: a WebSocket, or an event stream."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, Protocol

import httpx2
import websockets

from shared.identifiers import new_id
from tests.system.house import House
from tests.system.people import Json, expect

SOON = 1.0
"""Seconds within which access that is lost is lost on live connections."""
PATIENCE = 20.0
SOCKET = "/api/collab/ws"
STREAM = "/api/collab/events"


class Transport(StrEnum):
    WEBSOCKET = "websocket"
    SSE = "sse"


class Signed(Protocol):
    """Who has a token: a person."""

    access_token: str


class Follower:
    """One live connection. `frames` are the events that came, in their order; `code` is what it was closed with."""

    def __init__(self) -> None:
        self.frames: list[Json] = []
        self.cursor: str | None = None
        self.code: int | None = None
        self.ended = False
        self.socket: websockets.ClientConnection | None = None
        self._came = asyncio.Condition()

    @property
    def last(self) -> str:
        assert self.cursor is not None
        return self.cursor

    def of(self, *types: str) -> list[Json]:
        return [frame for frame in self.frames if frame["type"] in types]

    async def until(self, is_so: Callable[[Json], bool], within: float = PATIENCE) -> Json:
        """The first frame that is so, which came or comes."""
        async with asyncio.timeout(within), self._came:
            while not (found := [frame for frame in self.frames if is_so(frame)]):
                assert not self.ended, f"closed with {self.code}"
                await self._came.wait()
        return found[0]

    async def told(self, type: str, within: float = PATIENCE, **data: object) -> Json:
        """The first frame of that type whose data has these fields."""
        return await self.until(lambda frame: frame["type"] == type and data.items() <= frame["data"].items(), within)

    async def closed(self, within: float = SOON) -> int | None:
        """The code that it is closed with."""
        async with asyncio.timeout(within), self._came:
            while not self.ended:
                await self._came.wait()
        return self.code

    async def says(self, type: str, **fields: object) -> Json:
        """Over a WebSocket; what is answered."""
        assert self.socket is not None
        asked = str(new_id())
        await self.socket.send(json.dumps({"type": type, "id": asked, **fields}))
        answer = await self.until(lambda frame: frame.get("id") == asked)
        assert answer["type"] in ("reply", "pong"), answer
        return answer

    async def follow_socket(self, socket: websockets.ClientConnection) -> None:
        try:
            async for text in socket:
                await self._take(json.loads(text))
        except websockets.ConnectionClosed:
            pass
        received = socket.protocol.close_rcvd
        await self._end(received.code if received else None)

    async def follow_stream(self, answer: httpx2.Response) -> None:
        code = None
        event: dict[str, str] = {}
        try:
            async for line in answer.aiter_lines():
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif not line and "data" in event:
                    frame = json.loads(event["data"])
                    assert frame["type"] == event["event"]
                    assert frame.get("cursor") == event.get("id")
                    if frame["type"] == "close":
                        code = frame["data"]["code"]
                    else:
                        await self._take(frame)
                    event = {}
        except httpx2.TransportError:
            pass
        await self._end(code)

    async def _take(self, frame: Json) -> None:
        async with self._came:
            if frame["type"] != "heartbeat":
                self.frames.append(frame)
            self.cursor = frame.get("cursor") or self.cursor
            self._came.notify_all()

    async def _end(self, code: int | None) -> None:
        async with self._came:
            self.ended, self.code = True, code
            self._came.notify_all()


@asynccontextmanager
async def following(
    house: House,
    who: Signed | str,
    transport: Transport,
    cursor: str | None = None,
    url: str | None = None,
    **interests: Sequence[str],
) -> AsyncIterator[Follower]:
    """Somebody signed in, or a token, who is live from now on or from a cursor. interests: threads, projects and types, from the start.

    What was committed before is in the stream before: it is nothing new to them.
    """
    await all_said(house)
    token = who if isinstance(who, str) else who.access_token
    opened = _stream if transport is Transport.SSE else _socket
    async with opened(url or house.url, token, cursor, interests) as follower:
        ready = await follower.until(lambda frame: frame["type"] == "ready")
        assert follower.frames[0] is ready
        assert cursor is None or ready["cursor"] == cursor
        yield follower


@asynccontextmanager
async def _socket(url: str, token: str, cursor: str | None, interests: Json) -> AsyncIterator[Follower]:
    address = url.replace("http", "ws", 1) + SOCKET
    async with websockets.connect(address, compression=None, proxy=None, ping_interval=None, max_size=None) as socket:
        follower = Follower()
        follower.socket = socket
        reading = asyncio.create_task(follower.follow_socket(socket))
        await socket.send(json.dumps({"type": "auth", "token": token, **({"cursor": cursor} if cursor else {}), **interests}))
        try:
            yield follower
        finally:
            await socket.close()
            await reading


@asynccontextmanager
async def _stream(url: str, token: str, cursor: str | None, interests: Json) -> AsyncIterator[Follower]:
    query = {name: ",".join(names) for name, names in interests.items()}
    headers = {"authorization": f"Bearer {token}", **({"last-event-id": cursor} if cursor else {})}
    async with httpx2.AsyncClient(timeout=None) as http, http.stream("GET", url + STREAM, params=query, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        follower = Follower()
        reading = asyncio.create_task(follower.follow_stream(answer))
        try:
            yield follower
        finally:
            reading.cancel()
            await asyncio.wait([reading])


async def cursor_of(person: Any) -> str:
    """Of now."""
    return str(expect(await person.get("/api/collab/snapshot-cursor"), 200)["cursor"])


async def all_said(house: House) -> None:
    """Whatever was committed by now is in the stream."""
    tables = await house.database.fetch("SELECT table_schema FROM information_schema.tables WHERE table_name = 'outbox'")
    waits = " OR ".join(f"EXISTS (SELECT FROM {row['table_schema']}.outbox WHERE published_at IS NULL)" for row in tables)
    async with asyncio.timeout(PATIENCE):
        while await house.database.fetchval(f"SELECT {waits}"):
            await asyncio.sleep(0.01)


async def marked(house: House, people: Sequence[Any]) -> dict[str, str]:
    """Something that each is told about themself alone, after all that happened before: the marks, by their ids."""
    await all_said(house)
    marks = {person.id: new_id().hex for person in people}
    await asyncio.gather(*(person.patch("/api/auth/me", {"displayName": marks[person.id]}) for person in people))
    return marks


async def caught_up(follower: Follower, mark: str) -> list[Json]:
    """All that came before a mark."""
    frame = await follower.until(lambda frame: frame["type"] == "userChanged" and frame["data"]["user"]["displayName"] == mark)
    return follower.frames[: follower.frames.index(frame)]
