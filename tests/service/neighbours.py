"""Stand-ins for neighbouring services: they answer the real operations over the real NATS, from what a test tells them."""

from dataclasses import dataclass, field
from uuid import UUID

from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import Refusal
from shared.contracts.roles import built_in_grants
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right, State, ThreadIsArchived, ThreadNotFound
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from shared.messaging.responder import Responder
from tests.servers import Servers


@dataclass
class FakeThreads:
    """Answers CHECK_ACCESS: every thread is there for everyone but those it is hidden from, and notes are for agents and admins."""

    archived: set[UUID] = field(default_factory=set)
    hidden: set[tuple[UUID, UUID]] = field(default_factory=set)
    refusals: dict[UUID, Refusal] = field(default_factory=dict)
    responder: Responder = field(default_factory=lambda: Responder("threads", 1_000))
    caller: Caller = field(default_factory=lambda: Caller("threads"))

    async def start(self, servers: Servers) -> None:
        await self.caller.open(servers.nats_url, servers.credentials.nats["threads"])
        self.responder.serve(CHECK_ACCESS, check_access, self)
        assert self.caller.client is not None
        await self.responder.start(self.caller.client)

    async def stop(self) -> None:
        await self.responder.stop()
        await self.caller.close()


async def check_access(request: CheckAccess, caller: Principal, threads: FakeThreads) -> Access:
    if (request.thread_id, caller.user_id) in threads.hidden:
        raise ThreadNotFound
    if request.thread_id in threads.refusals and request.right is Right.POST:
        raise threads.refusals[request.thread_id]
    archived = request.thread_id in threads.archived
    if archived and request.right is Right.POST:
        raise ThreadIsArchived
    staff = caller.role in (Role.ADMIN, Role.AGENT)
    return Access(thread_id=request.thread_id, state=State.ARCHIVED if archived else State.ACTIVE, notes=staff, deletes_others=staff)


def principal(role: Role = Role.AGENT, workspace_id: UUID | None = None, name: str = "Ada") -> Principal:
    return Principal(
        user_id=new_id(), session_id=new_id(), workspace_id=workspace_id or new_id(), role=role, name=name, grants=built_in_grants(role)
    )
