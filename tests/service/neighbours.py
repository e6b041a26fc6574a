"""Stand-ins for neighbouring services: they answer the real operations over the real NATS, from what a test tells them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.contracts.identity.directory import FIND_MEMBERS, FindMembers, Member, Members
from shared.contracts.permissions import Permission, as_bits
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import Refusal, ServiceIsUnavailable
from shared.contracts.roles import built_in_grants
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right, State, ThreadIsArchived, ThreadNotFound
from shared.identifiers import new_id
from tests.service.stand_in import Answers, StandIn


@dataclass
class FakeThreads(StandIn):
    """Answers CHECK_ACCESS: every thread is there for everyone but those it is hidden from, and notes are for agents and admins."""

    archived: set[UUID] = field(default_factory=set)
    hidden: set[tuple[UUID, UUID]] = field(default_factory=set)
    refusals: dict[UUID, Refusal] = field(default_factory=dict)
    joined: dict[tuple[UUID, UUID], datetime] = field(default_factory=dict)
    seen_from: dict[tuple[UUID, UUID], datetime] = field(default_factory=dict)
    service: ClassVar[str] = "threads"

    def answers(self) -> Answers:
        return {CHECK_ACCESS: check_access}


async def check_access(request: CheckAccess, caller: Principal, threads: FakeThreads) -> Access:
    if (request.thread_id, caller.user_id) in threads.hidden:
        raise ThreadNotFound
    if request.thread_id in threads.refusals and request.right is Right.POST:
        raise threads.refusals[request.thread_id]
    archived = request.thread_id in threads.archived
    if archived and request.right is Right.POST:
        raise ThreadIsArchived
    staff = caller.role in (Role.ADMIN, Role.AGENT)
    return Access(
        thread_id=request.thread_id,
        state=State.ARCHIVED if archived else State.ACTIVE,
        notes=staff,
        deletes_others=staff,
        seen_from=threads.seen_from.get((request.thread_id, caller.user_id)),
        joined_at=threads.joined.get((request.thread_id, caller.user_id)),
        hidden_robots=caller.role is Role.GUEST,
    )


@dataclass
class FakeIdentity(StandIn):
    """Answers FIND_MEMBERS: the members that a test put there, or that it does not know right now."""

    members: list[Member] = field(default_factory=list)
    asked: list[FindMembers] = field(default_factory=list)
    away: bool = False
    service: ClassVar[str] = "identity"

    def answers(self) -> Answers:
        return {FIND_MEMBERS: find_members}

    def member(self, username: str, role: Role = Role.AGENT) -> Member:
        member = Member(id=new_id(), username=username, name=username.title(), role=role, grants=built_in_grants(role))
        self.members.append(member)
        return member


async def find_members(request: FindMembers, caller: Principal, identity: FakeIdentity) -> Members:
    if identity.away:
        raise ServiceIsUnavailable
    identity.asked.append(request)
    meant = (member for member in identity.members if member.username in request.usernames or member.id in request.user_ids)
    return Members(members=list(meant))


def principal(role: Role = Role.AGENT, workspace_id: UUID | None = None, name: str = "Ada", *more: Permission) -> Principal:
    return Principal(
        user_id=new_id(),
        session_id=new_id(),
        workspace_id=workspace_id or new_id(),
        role=role,
        name=name,
        grants=built_in_grants(role) | as_bits(more),
    )
