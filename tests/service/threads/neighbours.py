"""Stand-ins for identity and messages: they answer what threads asks, over the real NATS, from what a test tells them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shared.contracts.identity.directory import FIND_MEMBERS, FindMembers, Member, Members
from shared.contracts.messages.newest import FIND_NEWEST_MESSAGE, FindNewestMessage, NewestMessage
from shared.contracts.messages.unread import COUNT_UNREAD, CountUnread, Standing, Unread, UnreadCounts
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import ServiceIsUnavailable
from tests.service.stand_in import Answers, StandIn


@dataclass
class FakeIdentity(StandIn):
    """Everybody is a member of every workspace, as a client, but strangers."""

    strangers: set[UUID] = field(default_factory=set)
    roles: dict[UUID, Role] = field(default_factory=dict)
    is_away: bool = False
    service: ClassVar[str] = "identity"

    def answers(self) -> Answers:
        return {FIND_MEMBERS: find_members}


async def find_members(request: FindMembers, caller: Principal, identity: FakeIdentity) -> Members:
    if identity.is_away:
        raise ServiceIsUnavailable
    known = [user_id for user_id in request.user_ids if user_id not in identity.strangers]
    return Members(members=[Member(id=one, username="u", name="Member", role=identity.roles.get(one, Role.CLIENT)) for one in known])


@dataclass
class FakeMessages(StandIn):
    """Nothing is unread, and nothing was said, but what a test says, by thread. `asked` are the questions, each with its threads."""

    unread: dict[UUID, int] = field(default_factory=dict)
    newest: dict[UUID, datetime] = field(default_factory=dict)
    asked: list[list[Standing]] = field(default_factory=list)
    is_away: bool = False
    service: ClassVar[str] = "messages"

    def answers(self) -> Answers:
        return {COUNT_UNREAD: count_unread, FIND_NEWEST_MESSAGE: find_newest_message}


async def count_unread(request: CountUnread, caller: Principal, messages: FakeMessages) -> UnreadCounts:
    if messages.is_away:
        raise ServiceIsUnavailable
    messages.asked.append(request.threads)
    return UnreadCounts(threads=[_unread(one.thread_id, messages) for one in request.threads])


async def find_newest_message(request: FindNewestMessage, caller: Principal, messages: FakeMessages) -> NewestMessage:
    if messages.is_away:
        raise ServiceIsUnavailable
    return NewestMessage(at=messages.newest.get(request.thread_id))


def _unread(thread_id: UUID, messages: FakeMessages) -> Unread:
    count = messages.unread.get(thread_id, 0)
    return Unread(thread_id=thread_id, unread_count=count, capped=False, mention_count=min(count, 1), last_read_message_id=None)
