"""The messages service, with its real database and broker, and stand-ins for its neighbours."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from pydantic_core import from_json

from services.messages.consumers import follow_files
from services.messages.main import MessagesApplication
from shared.contracts.messages.messages import LIST_MESSAGES, POST_MESSAGE, ListMessages, Message, MessagePage, PostMessage
from shared.contracts.model import Event
from shared.contracts.principal import Principal
from shared.credentials import background_role
from shared.database.connections import Database, as_role
from shared.database.history import SYSTEM_ACTOR
from shared.identifiers import id_at, new_id
from shared.messaging import received
from shared.messaging.caller import Caller
from shared.settings import Settings
from tests.servers import Servers
from tests.service.messages.neighbours import FakeAttachments
from tests.service.neighbours import FakeIdentity, FakeThreads, principal

type Json = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """Asks the service as the gateway would."""

    call: Caller
    threads: FakeThreads
    identity: FakeIdentity
    attachments: FakeAttachments
    background: Database
    asking_threads: Caller
    database: "asyncpg.Connection[asyncpg.Record]"

    async def post(self, thread_id: UUID, content: str, caller: Principal, **fields: object) -> Message:
        return await self.call(POST_MESSAGE, PostMessage.model_validate({"thread_id": thread_id, "content": content, **fields}), caller)

    async def page(self, thread_id: UUID, caller: Principal, **fields: object) -> MessagePage:
        return await self.call(LIST_MESSAGES, ListMessages.model_validate({"thread_id": thread_id, **fields}), caller)

    async def hears(self, *events: Event) -> None:
        """As its consumer of files hands them over."""
        batch = [received.Received(new_id(), None, "", "", event) for event in events]
        async with self.background.installation() as connection:
            await follow_files(connection, batch)

    def joins(self, thread_id: UUID, *users: Principal, seen_from: datetime | None = None) -> None:
        """They take part from this moment on; `seen_from`: since when they see it."""
        for user in users:
            self.threads.joined[thread_id, user.user_id] = datetime.now(UTC)
            if seen_from is not None:
                self.threads.seen_from[thread_id, user.user_id] = seen_from

    async def said(self, name: str, key: UUID) -> list[Json]:
        """What the service said by one name about a thread or somebody, in order."""
        rows = await self.database.fetch(
            "SELECT data FROM messages.outbox WHERE subject LIKE $1 ORDER BY id", f"event.messages.{name}.v1.%.{key}"
        )
        return [from_json(row["data"]) for row in rows]

    async def events(self, thread_id: UUID) -> list[str]:
        """The thread's events in the outbox, by name, in order."""
        rows = await self.database.fetch("SELECT subject FROM messages.outbox WHERE subject LIKE $1 ORDER BY id", f"%.{thread_id}")
        return [row["subject"].split(".")[2] for row in rows]

    async def backdated(self, message: Message, *, seconds: int) -> Message:
        """The same message as one that was posted earlier: its id and its time are one."""
        earlier = message.created_at - timedelta(seconds=seconds)
        older = message.model_copy(update={"id": id_at(earlier), "created_at": earlier})
        await self.database.execute(
            "UPDATE messages.messages SET id = $2, created_at = $3 WHERE id = $1", message.id, older.id, older.created_at
        )
        return older


@pytest_asyncio.fixture(scope="module", loop_scope="session")  # its stand-in for threads must not answer others' tests
async def messages(servers: Servers) -> AsyncIterator[Service]:
    threads, identity, attachments = FakeThreads(), FakeIdentity(), FakeAttachments()
    for neighbour in (threads, identity, attachments):
        await neighbour.start(servers)
    application = MessagesApplication(
        Settings(data=servers.data, postgres_url=servers.postgres_url, nats_url=servers.nats_url, redis_url=servers.redis_url)
    )
    await application.start()
    gateway = Caller("gateway")
    await gateway.open(servers.nats_url, servers.credentials.nats["gateway"])
    database = await asyncpg.connect(servers.postgres_url)
    await database.execute("SELECT set_config('app.actor', $1, false)", SYSTEM_ACTOR)
    role = background_role("messages")
    background = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "messages", connections=2)
    await background.open()
    yield Service(gateway, threads, identity, attachments, background, threads.caller, database)
    await background.close()
    await database.close()
    await gateway.close()
    await application.stop()
    for neighbour in (attachments, identity, threads):
        await neighbour.stop()


@pytest.fixture
def agent() -> Principal:
    return principal()


@pytest.fixture
def thread() -> UUID:
    return new_id()
