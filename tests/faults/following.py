"""Followers by the stock WebSocket library: they come back with their last cursor, whatever happens to them."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import websockets
from pydantic_core import from_json, to_json

from tests.faults.house import PATIENCE, eventually
from tests.system.people import Json, Person

POSTED, RESET = "messagePosted", "reset"
STREAM_LOST, TOO_OLD = "streamLost", "tooOld"
SOON = 0.05
"""Seconds until one comes back: a real one waits longer, and would be in nobody's way."""
AT_MOST = 5.0
"""Seconds until a gateway that does not answer is given up."""
WITHOUT_EVENT = {"ready", "heartbeat", "reply", "refused", RESET}


class Place(NamedTuple):
    """Of a message: its thread, and its number there."""

    thread: str
    seq: int


@dataclass
class Follower:
    """One client. addresses: of the gateways, of which any will do. cursor: of the last frame that came.

    told: the place of each message that it was told of, in its order. doubles: frames that came though their cursor had come.
    resets: why, each time. returns: how often it was ready. codes: with which it was closed.
    """

    addresses: Sequence[str]
    token: str
    cursor: str | None = None
    told: list[Place] = field(default_factory=list)
    doubles: list[tuple[str, str]] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    refusals: list[Json] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    returns: int = 0
    drops: int = 0
    newest: dict[str, int] = field(default_factory=dict)
    pings: float | None = 1.0
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _socket: websockets.ClientConnection | None = None

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def drop(self) -> None:
        """Let its connection be gone, without a word to anybody."""
        if self._socket is not None:
            self.drops += 1
            self._socket.transport.abort()

    async def say(self, frame: Json) -> None:
        assert self._socket is not None
        await self._socket.send(to_json(frame).decode())

    async def follow(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._connect()
            except websockets.ConnectionClosed as closed:
                self.codes.append(closed.rcvd.code if closed.rcvd else 1006)
            except (OSError, websockets.InvalidHandshake, TimeoutError):
                pass
            await asyncio.sleep(random.uniform(SOON, 3 * SOON))

    def of(self, thread: Json) -> list[int]:
        return [place.seq for place in self.told if place.thread == thread["id"]]

    async def _connect(self) -> None:
        address = f"{random.choice(self.addresses).replace('http', 'ws', 1)}/api/collab/ws"
        options = {"open_timeout": AT_MOST, "ping_interval": self.pings, "ping_timeout": AT_MOST, "close_timeout": 0.1}
        async with websockets.connect(address, max_size=None, proxy=None, compression=None, **options) as socket:  # type: ignore[arg-type]
            asked = {"type": "auth", "token": self.token} | ({"cursor": self.cursor} if self.cursor else {})
            await socket.send(to_json(asked).decode())
            try:
                async for text in socket:
                    await self.reading.wait()
                    self._take(socket, from_json(text))
                raise websockets.ConnectionClosed(socket.protocol.close_rcvd, socket.protocol.close_sent)
            finally:
                self._socket = None

    def _take(self, socket: websockets.ClientConnection, frame: Json) -> None:
        kind, self.cursor = frame["type"], frame.get("cursor", self.cursor)
        if kind == "ready":
            self._socket, self.returns = socket, self.returns + 1
        elif kind == RESET:
            self.resets.append(frame["data"]["reason"])
        elif kind == "refused":
            self.refusals.append(frame)
        if kind in WITHOUT_EVENT or self.cursor is None or "cursor" not in frame:
            return
        if (kind, self.cursor) in self._seen:
            self.doubles.append((kind, self.cursor))
        self._seen.add((kind, self.cursor))
        if kind == POSTED:
            place = Place(frame["data"]["message"]["threadId"], frame["data"]["message"]["seq"])
            self.told.append(place)
            self.newest[place.thread] = place.seq


@asynccontextmanager
async def following(people: Iterable[Person], addresses: Sequence[str], cursor: str | None = None) -> AsyncIterator[list[Follower]]:
    """One for each of these, all of them ready."""
    followers = [Follower(addresses, person.access_token, cursor) for person in people]
    for follower in followers:
        follower.reading.set()
    tasks = [asyncio.create_task(follower.follow()) for follower in followers]
    try:
        await eventually(lambda: all(follower.connected for follower in followers), "all who follow are ready")
        yield followers
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def all_is_told(followers: Iterable[Follower], newest: dict[str, int], within: float = PATIENCE) -> None:
    """Every follower was told of each thread's messages from 1 to its newest, once and in order, and nothing twice."""

    def have_come() -> bool:
        return all(newest.items() <= follower.newest.items() for follower in followers)

    await eventually(have_come, "the newest messages have come to all", within)
    for follower in followers:
        is_whole(follower.told, newest)
        assert (follower.doubles, follower.resets) == ([], [])


def is_whole(told: Iterable[Place], newest: dict[str, int]) -> None:
    """Each thread's messages are there from 1 to its newest, once and in order."""
    seqs: defaultdict[str, list[int]] = defaultdict(list)
    for place in told:
        seqs[place.thread].append(place.seq)
    assert {thread: seqs[thread] for thread in newest} == {thread: list(range(1, last + 1)) for thread, last in newest.items()}
