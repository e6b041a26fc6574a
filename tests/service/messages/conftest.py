"""The messages service, with its real database and broker, and a stand-in for threads."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from services.messages.main import MessagesApplication
from shared.contracts.messages.messages import LIST_MESSAGES, POST_MESSAGE, ListMessages, Message, MessagePage, PostMessage
from shared.contracts.principal import Principal
from shared.identifiers import id_at, new_id
from shared.messaging.caller import Caller
from shared.settings import Settings
from tests.servers import Servers
from tests.service.neighbours import FakeThreads, principal


@dataclass(frozen=True)
class Service:
    """Asks the service as the gateway would."""

    call: Caller
    threads: FakeThreads
    database: "asyncpg.Connection[asyncpg.Record]"

    async def post(self, thread_id: UUID, content: str, caller: Principal, **fields: object) -> Message:
        return await self.call(POST_MESSAGE, PostMessage.model_validate({"thread_id": thread_id, "content": content, **fields}), caller)

    async def page(self, thread_id: UUID, caller: Principal, **fields: object) -> MessagePage:
        return await self.call(LIST_MESSAGES, ListMessages.model_validate({"thread_id": thread_id, **fields}), caller)

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
    threads = FakeThreads()
    await threads.start(servers)
    application = MessagesApplication(
        Settings(data=servers.data, postgres_url=servers.postgres_url, nats_url=servers.nats_url, redis_url=servers.redis_url)
    )
    await application.start()
    gateway = Caller("gateway")
    await gateway.open(servers.nats_url, servers.credentials.nats["gateway"])
    database = await asyncpg.connect(servers.postgres_url)
    yield Service(gateway, threads, database)
    await database.close()
    await gateway.close()
    await application.stop()
    await threads.stop()


@pytest.fixture
def agent() -> Principal:
    return principal()


@pytest.fixture
def thread() -> UUID:
    return new_id()
