"""The threads service, with its real database and broker, asked as its callers ask."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from pydantic_core import from_json

from services.threads.main import ThreadsApplication
from services.threads.settings import Settings
from shared.contracts.principal import Principal, Role
from shared.contracts.roles import built_in_grants
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right
from shared.contracts.threads.audience import CHECK_AUDIENCE, Audience, CheckAudience
from shared.contracts.threads.history import GET_THREAD_HISTORY, ChangePage, GetThreadHistory
from shared.contracts.threads.participants import (
    ADD_PARTICIPANT,
    CHANGE_PARTICIPANT,
    GET_PARTICIPANT,
    LIST_PARTICIPANTS,
    REMOVE_PARTICIPANT,
    AddParticipant,
    ChangeParticipant,
    GetParticipant,
    ListParticipants,
    Participant,
    ParticipantPage,
    RemoveParticipant,
)
from shared.contracts.threads.threads import (
    ARCHIVE_THREAD,
    CHANGE_THREAD,
    GET_THREAD,
    LIST_THREADS,
    OPEN_THREAD,
    ArchiveThread,
    ChangeThread,
    GetThread,
    ListThreads,
    OpenThread,
    Thread,
    ThreadPage,
)
from shared.credentials import background_role
from shared.database.connections import Database, as_role
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.servers import Servers
from tests.service.threads.neighbours import FakeIdentity, FakeMessages


@dataclass(frozen=True)
class Service:
    """Asks the service as the gateway and the messages service would."""

    gateway: Caller
    messages: Caller
    identity: FakeIdentity
    counts: FakeMessages
    database: "asyncpg.Connection[asyncpg.Record]"

    async def open(self, caller: Principal, **sent: Any) -> Thread:
        """A group thread, unless another kind is sent."""
        return await self.gateway(OPEN_THREAD, OpenThread.model_validate({"kind": "group", "title": "Trip", **sent}), caller)

    async def get(self, thread: Thread, caller: Principal) -> Thread:
        return await self.gateway(GET_THREAD, GetThread(thread_id=thread.id), caller)

    async def change(self, thread: Thread, caller: Principal, **sent: Any) -> Thread:
        return await self.gateway(CHANGE_THREAD, ChangeThread.model_validate({"threadId": thread.id, **sent}), caller)

    async def archive(self, thread: Thread, caller: Principal) -> Thread:
        return await self.gateway(ARCHIVE_THREAD, ArchiveThread(thread_id=thread.id), caller)

    async def page(self, caller: Principal, **sent: Any) -> ThreadPage:
        return await self.gateway(LIST_THREADS, ListThreads.model_validate(sent), caller)

    async def access(self, thread: Thread, caller: Principal, right: Right = Right.POST) -> Access:
        return await self.messages(CHECK_ACCESS, CheckAccess(thread_id=thread.id, right=right), caller)

    async def audience(self, thread_id: UUID, callers: Sequence[Principal]) -> Audience:
        request = CheckAudience(workspace_id=callers[0].workspace_id, thread_id=thread_id, callers=callers)
        return await self.gateway(CHECK_AUDIENCE, request, None)

    async def events(self, thread: Thread) -> list[str]:
        """The thread's events in the outbox, by name, in order."""
        rows = await self.database.fetch("SELECT subject FROM threads.outbox WHERE subject LIKE $1 ORDER BY id", f"%.{thread.id}")
        return [row["subject"].split(".")[2] for row in rows]

    async def participants(self, thread: Thread, caller: Principal, **sent: Any) -> ParticipantPage:
        return await self.gateway(LIST_PARTICIPANTS, ListParticipants.model_validate({"threadId": thread.id, **sent}), caller)

    async def participant(self, thread: Thread, who: UUID, caller: Principal) -> Participant:
        return await self.gateway(GET_PARTICIPANT, GetParticipant(thread_id=thread.id, participant_id=who), caller)

    async def invite(self, thread: Thread, caller: Principal, who: Principal | None = None, **sent: Any) -> Participant:
        named = {"userId": who.user_id} if who else {}
        return await self.gateway(ADD_PARTICIPANT, AddParticipant.model_validate({"threadId": thread.id, **named, **sent}), caller)

    async def set(self, thread: Thread, caller: Principal, who: UUID, **sent: Any) -> Participant:
        request = ChangeParticipant.model_validate({"threadId": thread.id, "participantId": who, **sent})
        return await self.gateway(CHANGE_PARTICIPANT, request, caller)

    async def remove(self, thread: Thread, caller: Principal, who: UUID, reason: str | None = None) -> None:
        request = RemoveParticipant(thread_id=thread.id, participant_id=who, reason=reason)
        await self.gateway(REMOVE_PARTICIPANT, request, caller)

    async def history(self, thread: Thread, caller: Principal, **sent: Any) -> ChangePage:
        return await self.gateway(GET_THREAD_HISTORY, GetThreadHistory.model_validate({"threadId": thread.id, **sent}), caller)

    async def audited(self, caller: Principal) -> list[dict[str, Any]]:
        """What somebody did, by the service's outbox, in order."""
        rows = await self.database.fetch(
            "SELECT data FROM threads.outbox WHERE subject LIKE $1 ORDER BY id", f"event.threads.action_audited.v1.%.{caller.user_id}"
        )
        return [from_json(row["data"]) for row in rows]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def threads(servers: Servers) -> AsyncIterator[Service]:
    identity, counts = FakeIdentity(), FakeMessages()
    await identity.start(servers)
    await counts.start(servers)
    application = ThreadsApplication(
        Settings(data=servers.data, postgres_url=servers.postgres_url, nats_url=servers.nats_url, redis_url=servers.redis_url)
    )
    await application.start()
    gateway, messages = Caller("gateway"), Caller("messages")
    for caller in (gateway, messages):
        await caller.open(servers.nats_url, servers.credentials.nats[caller.user])
    database = await asyncpg.connect(servers.postgres_url)
    yield Service(gateway, messages, identity, counts, database)
    await database.close()
    for caller in (gateway, messages):
        await caller.close()
    await application.stop()
    await counts.stop()
    await identity.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def background(servers: Servers) -> AsyncIterator[Database]:
    role = background_role("threads")
    database = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "threads", connections=4)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def workspace() -> UUID:
    return new_id()


class People:
    """The people of one workspace."""

    def __init__(self, workspace_id: UUID) -> None:
        self.workspace_id = workspace_id
        self.admin, self.agent, self.other_agent = (self.new(role) for role in (Role.ADMIN, Role.AGENT, Role.AGENT))
        self.owner, self.other_owner = self.new(Role.PRODUCT_OWNER), self.new(Role.PRODUCT_OWNER)
        self.client, self.other_client = self.new(Role.CLIENT), self.new(Role.CLIENT)
        self.guest = self.new(Role.GUEST)

    def new(self, role: Role, contact: str | None = None) -> Principal:
        """Somebody whose name is their role."""
        return Principal(
            user_id=new_id(),
            session_id=new_id(),
            workspace_id=self.workspace_id,
            role=role,
            name=role.value.title(),
            contact=contact,
            grants=built_in_grants(role),
        )


@pytest.fixture
def people(workspace: UUID) -> People:
    return People(workspace)


def sent(who: Principal, **more: Any) -> dict[str, Any]:
    """Somebody, as one who is to take part."""
    return {"role": who.role, "userId": who.user_id, "name": who.name, **more}
