"""A hub that tells everybody everything, and a client that speaks to the gateway as the stock library does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import websockets

from services.gateway.errors import RateLimitIsReached
from services.gateway.realtime.connections import Authorize, Carrier, Connection, Viewer
from services.gateway.realtime.cursors import Cursor
from services.gateway.realtime.frames import Frame, frame
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.hub import Hub
from shared.contracts.model import Event
from shared.contracts.principal import Principal
from shared.contracts.refusals import CursorIsNotValid
from tests.unit.gateway.neighbours import Running, token

type Json = dict[str, Any]

SIGNED_IN = {"Authorization": "Bearer of somebody who is signed in"}
"""Stands in a table of cases: a token ends before some of them are run (`now`)."""


class Telling(Hub):
    """What connects is live at once. `seq` is of the last event."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.seq, self._most = 1, most
        self.connections: list[Connection] = []
        self.followed: list[str | None] = []
        self.renewed: list[UUID] = []

    def attend(self, comes: Callable[[Connection], None], goes: Callable[[Connection], None]) -> None:
        """Nobody is told."""

    def listen(self, events: Collection[type[Event]], hears: Callable[[Happening], None]) -> None:
        """Nothing happens of which anybody here wants to know."""

    @property
    def cursor(self) -> str:
        return str(Cursor("0" * 8, self.seq))

    @property
    def ready(self) -> bool:
        return True

    def connect(self, principal: Principal, session_id: UUID, carrier: Carrier, authorize: Authorize) -> Connection:
        if len(self.connections) >= self._most:
            raise RateLimitIsReached(retry_after=7)
        connection = Connection(Viewer(principal, 1), session_id, carrier, authorize, 0.0)
        self.connections.append(connection)
        return connection

    async def follow(self, connection: Connection, cursor: str | None) -> None:
        if cursor is not None and Cursor.read(cursor) is None:
            raise CursorIsNotValid
        self.followed.append(cursor)
        self.put(connection, frame("ready", {}, self.cursor))
        connection.viewer.connections = [connection]

    def renew(self, connection: Connection, principal: Principal, session_id: UUID, authorize: Authorize) -> None:
        self.renewed.append(session_id)

    def disconnect(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
        connection.closed = True
        connection.viewer.connections = []

    def put(self, connection: Connection, frame: Frame) -> None:
        if connection.put(frame):
            asyncio.get_running_loop().call_soon(self._write, connection)

    def happens(self, data: Json, times: int = 1) -> None:
        """An event, to all who are live."""
        for _ in range(times):
            self.seq += 1
            told = frame("messagePosted", data, self.cursor)
            for connection in self.connections:
                self.put(connection, told)

    def _write(self, connection: Connection) -> None:
        connection.carrier.write(connection.take())


class Client:
    """One stock WebSocket."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def says(self, frame: Json) -> None:
        await self.socket.send(json.dumps(frame))

    async def hears(self) -> Json:
        async with asyncio.timeout(5):
            heard: Json = json.loads(await self.socket.recv())
            return heard

    async def asks(self, frame: Json) -> Json:
        await self.says(frame)
        return await self.hears()

    async def ended(self, within: float = 5) -> int | None:
        """The code that it was closed with, whatever came before."""
        try:
            async with asyncio.timeout(within):
                async for _ in self.socket:
                    pass
        except websockets.ConnectionClosed:
            pass
        assert self.socket.protocol.close_rcvd is not None
        return self.socket.protocol.close_rcvd.code


def now(headers: dict[str, str]) -> dict[str, str]:
    """With a token that is good now, where one is meant."""
    signed_in = headers.get("Authorization") == SIGNED_IN["Authorization"]
    return headers | {"Authorization": f"Bearer {token()}"} if signed_in else headers


def address(running: Running, query: str = "") -> str:
    return f"{running.url.replace('http', 'ws')}/api/collab/ws{query}"


@asynccontextmanager
async def opened(running: Running, headers: dict[str, str] | None = None, query: str = "", **options: Any) -> AsyncIterator[Client]:
    options = {"compression": None, "proxy": None, "ping_interval": None, "max_size": None} | options
    async with websockets.connect(address(running, query), additional_headers=headers, **options) as socket:
        yield Client(socket)


@asynccontextmanager
async def live(running: Running, query: str = "", access: str | None = None, **options: Any) -> AsyncIterator[Client]:
    """One that is signed in and ready."""
    async with opened(running, {"Authorization": f"Bearer {access or token()}"}, query, **options) as client:
        assert (await client.hears())["type"] == "ready"
        yield client
