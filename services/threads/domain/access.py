"""Who sees what and may do what (API.md's table of roles)."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing, Refusal
from shared.contracts.threads.access import Access, Right, State, ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.participants import ParticipantRole, ParticipantStatus
from shared.contracts.threads.threads import Kind


class Sight(Enum):
    """Which threads a caller sees."""

    OPEN = "those that are not private, and those they take part in"
    OWN = "those they take part in"
    INVITED = "those they take part in, where guests are allowed"


_OPENS = {
    Kind.BOOKING: Permission.OPEN_BOOKING,
    Kind.GROUP: Permission.OPEN_GROUP,
    Kind.SUPPORT: Permission.OPEN_SUPPORT,
}


def sight(caller: Principal) -> Sight:
    """Which threads the caller sees."""
    if caller.may(Permission.SUPERVISOR_READ):
        return Sight.OPEN
    return Sight.INVITED if caller.role is Role.GUEST else Sight.OWN


class Part(NamedTuple):
    """How the caller takes part in a thread."""

    role: ParticipantRole
    status: ParticipantStatus


class Guarded(Protocol):
    """What of a thread decides about its callers."""

    @property
    def creator_id(self) -> UUID: ...
    @property
    def is_private(self) -> bool: ...
    @property
    def guest_access_allowed(self) -> bool: ...
    @property
    def state(self) -> State: ...


class Gate(NamedTuple):
    """The least of a thread that decides about its callers."""

    creator_id: UUID
    is_private: bool
    guest_access_allowed: bool
    state: State


@dataclass(frozen=True, slots=True)
class Rights:
    """What one caller may do in one thread, whatever its state."""

    sees: bool
    posts: bool = False
    edits: bool = False
    archives: bool = False
    notes: bool = False


def rights(caller: Principal, thread: Guarded, part: Part | None) -> Rights:
    """The one place that decides about a caller in a thread; `repository.listing` says `sees` in SQL."""
    if not _sees(sight(caller), thread, part):
        return Rights(sees=False)
    managed = thread.creator_id == caller.user_id or (part is not None and part.role is ParticipantRole.MODERATOR)
    speaking = part is not None and part.role is not ParticipantRole.OBSERVER and part.status is ParticipantStatus.ACTIVE
    may = caller.may
    return Rights(
        sees=True,
        posts=speaking or may(Permission.SUPERVISOR_SEND),
        edits=may(Permission.SUPERVISOR_UPDATE) or (managed and may(Permission.ROOM_UPDATE)),
        archives=may(Permission.SUPERVISOR_ARCHIVE) or (managed and may(Permission.ROOM_ARCHIVE)),
        notes=may(Permission.MESSAGE_NOTE),
    )


def _sees(sight: Sight, thread: Guarded, part: Part | None) -> bool:
    if part is None:
        return sight is Sight.OPEN and not thread.is_private
    return sight is not Sight.INVITED or thread.guest_access_allowed


def access(caller: Principal, thread_id: UUID, thread: Guarded | None, part: Part | None, right: Right) -> Access | Refusal:
    """Whether the caller has a right in a thread. Hidden and missing are the same `ThreadNotFound`."""
    may = rights(caller, thread, part) if thread else None
    if thread is None or may is None or not may.sees:
        return ThreadNotFound()
    if right is Right.POST:
        if not may.posts:
            return ThreadIsReadOnlyForYou()
        if thread.state is State.ARCHIVED:
            return ThreadIsArchived()
        if thread.state is State.CLOSED:
            return ThreadIsClosed()
    return Access(thread_id=thread_id, state=thread.state, notes=may.notes, deletes_others=may.archives)


def may_open(kind: Kind, caller: Principal) -> None:
    """Raises `PermissionIsMissing`."""
    if not caller.may(_OPENS[kind]):
        raise PermissionIsMissing
