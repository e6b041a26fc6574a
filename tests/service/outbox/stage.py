"""A stage for relays: a database of its own with the outbox of `messages`, a NATS of its own, and the stream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import asyncpg
import nats
from nats.js import JetStreamContext

from shared.contracts.model import Event
from shared.credentials import OPERATOR, STORING_SERVICES, Credentials, background_role, database_role
from shared.database.connections import Database, as_role
from shared.embedded import Nats
from shared.identifiers import new_id
from shared.messaging.connection import inbox_prefix
from shared.messaging.permissions import authorization
from shared.messaging.streams import EVENTS, declare_events
from shared.outbox.outbox import emission, emit
from shared.outbox.relay import Relay
from shared.outbox.tables import create_outbox
from shared.settings import Settings
from tests.servers import Servers, data_folder

SERVICE = "messages"


class Said(Event):
    """An event for tests, of the service messages."""

    number: int


del Event.known[Said.event_type]  # it is in no contract
Said.owner, Said.event_type = SERVICE, f"{SERVICE}.said.v1"


@dataclass
class Stage:
    """What a test of the relay needs."""

    postgres_url: str
    credentials: Credentials
    nats: Nats
    data: Path
    settings: Settings
    workspace: UUID

    def url(self, service: str = SERVICE) -> str:
        role = background_role(service)
        return as_role(self.postgres_url, role, self.credentials.postgres[role])

    def background(self, service: str = SERVICE) -> Database:
        return Database(self.url(service), service, connections=2)

    @asynccontextmanager
    async def relaying(self, service: str = SERVICE) -> AsyncIterator[Relay]:
        background = self.background(service)
        await background.open()
        relay = Relay(service, background, self.url(service), self.nats.url, self.credentials.nats[service])
        await relay.start()
        try:
            yield relay
        finally:
            await relay.stop()
            await background.close()

    @asynccontextmanager
    async def admin(self, service: str = SERVICE) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        connection = await asyncpg.connect(self.postgres_url, server_settings={"search_path": service})
        try:
            yield connection
        finally:
            await connection.close()

    async def say(self, *numbers: int, key: UUID | None = None, service: str = SERVICE) -> None:
        """Commit events to the outbox, in one transaction."""
        database = Database(
            as_role(self.postgres_url, database_role(service), self.credentials.postgres[database_role(service)]), service, connections=1
        )
        await database.open()
        async with database.workspace(self.workspace) as connection:
            said = [Said(entity_id=new_id(), version=1, number=number) for number in numbers]
            emissions = [emission(event, self.workspace, key or uuid4()) for event in said]
            subject = f"event.{service}."
            await emit(connection, *(replace(one, subject=one.subject.replace("event.messages.", subject)) for one in emissions))
        await database.close()

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[JetStreamContext]:
        client = await nats.connect(
            self.nats.url, user=OPERATOR, password=self.credentials.nats[OPERATOR], inbox_prefix=inbox_prefix(OPERATOR).encode()
        )
        try:
            yield client.jetstream()
        finally:
            await client.close()

    async def declare(self) -> None:
        async with self.operator() as js:
            await declare_events(js, self.settings)

    async def stream(self) -> list[tuple[int, str, int]]:
        """All that the stream holds: (sequence, owner, number)."""
        async with self.operator() as js:
            state = (await js.stream_info(EVENTS)).state
            found = []
            for seq in range(max(state.first_seq, 1), state.last_seq + 1):
                message = await js.get_msg(EVENTS, seq, direct=True)
                assert message.data is not None
                assert message.subject is not None
                found.append((seq, message.subject.split(".")[1], Said.model_validate_json(message.data).number))
            return found

    async def numbers(self) -> list[int]:
        return [number for _, _, number in await self.stream()]

    async def unpublished(self, service: str = SERVICE) -> int:
        async with self.admin(service) as connection:
            return int(await connection.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL"))

    async def published(self, service: str = SERVICE, within: float = 30) -> None:
        await eventually(lambda: self._is_empty(service), within)

    async def _is_empty(self, service: str) -> bool:
        return await self.unpublished(service) == 0


@asynccontextmanager
async def staged(servers: Servers, window: float = 120) -> AsyncIterator[Stage]:
    """A fresh stage on the tests' PostgreSQL, with the roles that are there."""
    name = f"stage_{uuid4().hex[:12]}"
    await _admin(servers.postgres_url, f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(servers.postgres_url)._replace(path=f"/{name}"))
    for service in STORING_SERVICES:
        sql: list[str] = [
            f"CREATE SCHEMA {service}; GRANT USAGE ON SCHEMA {service} TO {database_role(service)}, {background_role(service)}"
        ]
        create_outbox(_Collected(sql), service)
        await _admin(url, ";".join(sql))
    with data_folder() as data:
        server = Nats(data, authorization(servers.credentials))
        await server.start()
        try:
            stage = Stage(url, servers.credentials, server, data, Settings(events_duplicate_window=window), uuid4())
            await stage.declare()
            yield stage
        finally:
            await server.stop()
    await _admin(servers.postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


class _Collected:
    """Alembic's operations, as a list of SQL."""

    def __init__(self, sql: list[str]) -> None:
        self._sql = sql

    def execute(self, sqltext: str, /) -> None:
        self._sql.append(sqltext)


async def _admin(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def eventually(condition: Callable[[], Awaitable[bool]] | Callable[[], bool], within: float = 30) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.03)
