"""Who sees what and may do what (API.md's table of roles)."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.contracts.projects.access import ProjectRole
from shared.contracts.refusals import PermissionIsMissing, Refusal
from shared.contracts.threads.access import Access, Right, State, ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.participants import ParticipantRole, ParticipantStatus
from shared.contracts.threads.threads import Kind


class Sight(Enum):
    """Which threads a caller sees."""

    OPEN = "those that are not hidden, and those they take part in"
    OWN = "those they take part in"
    INVITED = "those they take part in, where guests are allowed"


_OPENS = {
    Kind.BOOKING: Permission.OPEN_BOOKING,
    Kind.GROUP: Permission.OPEN_GROUP,
    Kind.DIRECT: Permission.OPEN_DIRECT,
    Kind.SUPPORT: Permission.OPEN_SUPPORT,
    Kind.ESCALATED: Permission.OPEN_ESCALATED,
    Kind.ASSISTANT: Permission.OPEN_ASSISTANT,
    Kind.PROJECT: Permission.PROJECT_CREATE,
}
HIDDEN_KINDS = (Kind.DIRECT, Kind.ASSISTANT, Kind.PROJECT)
"""Seen by those who take part in them alone, as private threads are."""


def participant_role(role: ProjectRole, workspace_role: Role) -> ParticipantRole:
    """What a member of a project is in its thread: who is a guest of the workspace is one there too."""
    if workspace_role is Role.GUEST:
        return ParticipantRole.GUEST
    return ParticipantRole.MEMBER if role is ProjectRole.MEMBER else ParticipantRole.MODERATOR


def part_of(role: ProjectRole, workspace_role: Role, joined_at: datetime) -> "Part":
    """How a member of a project takes part in its thread: they see all that was said there."""
    return Part(participant_role(role, workspace_role), ParticipantStatus.ACTIVE, joined_at=joined_at)


def sight(caller: Principal) -> Sight:
    """Which threads the caller sees."""
    if caller.may(Permission.SUPERVISOR_READ):
        return Sight.OPEN
    return Sight.INVITED if caller.role is Role.GUEST else Sight.OWN


def whole(at: datetime) -> datetime:
    """The millisecond that it is in: messages have no other moments."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


class Part(NamedTuple):
    """How the caller takes part in a thread."""

    role: ParticipantRole
    status: ParticipantStatus
    can_send_messages: bool = True
    can_invite_others: bool = False
    can_see_history: bool = True
    joined_at: datetime | None = None

    @property
    def seen_from(self) -> datetime | None:
        """What is older is hidden from them; None shows all."""
        return None if self.can_see_history or self.joined_at is None else whole(self.joined_at)


class Guarded(Protocol):
    """What of a thread decides about its callers."""

    @property
    def kind(self) -> Kind: ...
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

    kind: Kind
    creator_id: UUID
    is_private: bool
    guest_access_allowed: bool
    state: State
    project_id: UUID | None = None


type Standing = tuple[Gate | None, Part | None]
"""What decides about one caller in one thread; None of a thread that is not there, or that they take no part in."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What one caller may do in one thread, whatever its state.

    manages: what they edit and archive is their own; else they do it as supervisors, which is audited.
    """

    sees: bool
    posts: bool = False
    invites: bool = False
    joins: bool = False
    edits: bool = False
    archives: bool = False
    manages: bool = False
    notes: bool = False


def rights(caller: Principal, thread: Guarded, part: Part | None) -> Rights:
    """The one place that decides about a caller in a thread; `repository.listing` says `sees` in SQL."""
    if not _sees(sight(caller), thread, part):
        return Rights(sees=False)
    may = caller.may
    managed = thread.creator_id == caller.user_id or (part is not None and part.role is ParticipantRole.MODERATOR)
    active = part is not None and part.role is not ParticipantRole.OBSERVER and part.status is ParticipantStatus.ACTIVE
    edits = may(Permission.SUPERVISOR_UPDATE) or (managed and may(Permission.ROOM_UPDATE))
    return Rights(
        sees=True,
        posts=active and part.can_send_messages if part else may(Permission.SUPERVISOR_SEND),
        invites=edits or (active and part is not None and part.can_invite_others),
        joins=part is None and thread.kind is Kind.GROUP,
        edits=edits,
        archives=may(Permission.SUPERVISOR_ARCHIVE) or (managed and may(Permission.ROOM_ARCHIVE)),
        manages=managed,
        notes=may(Permission.MESSAGE_NOTE),
    )


def _sees(sight: Sight, thread: Guarded, part: Part | None) -> bool:
    if part is None:
        return sight is Sight.OPEN and not thread.is_private and thread.kind not in HIDDEN_KINDS
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
    return Access(
        thread_id=thread_id,
        state=thread.state,
        notes=may.notes,
        deletes_others=may.archives,
        seen_from=part.seen_from if part else None,
        joined_at=part.joined_at if part else None,
        hidden_robots=is_guarded(caller, part),
    )


def is_guarded(caller: Principal, part: Part | None) -> bool:
    """Whether the caller sees only what guests may: a guest of the workspace, or of the thread."""
    return caller.role is Role.GUEST or (part is not None and part.role is ParticipantRole.GUEST)


def may_open(kind: Kind, caller: Principal) -> None:
    """Raises `PermissionIsMissing`."""
    if not caller.may(_OPENS[kind]):
        raise PermissionIsMissing
