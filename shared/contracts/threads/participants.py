"""Those who take part in threads."""

import unicodedata
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints, model_validator

from shared.contracts.model import Event, Model, Nothing, Reason, Request, Text, Time, TrimmedText, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.principal import Role
from shared.contracts.refusals import Conflict, CursorIsNotValid, NotFound, RequestIsInvalid
from shared.contracts.threads.access import ThreadIsArchived, ThreadIsReadOnlyForYou, ThreadNotFound


def contact_key(contact: str | None) -> str | None:
    """The form in which contacts are the same."""
    return unicodedata.normalize("NFC", contact.strip()).lower() if contact else None


class ParticipantRole(StrEnum):
    """A participant's part in the thread (spec 2, participant_role_enum)."""

    MEMBER = "member"
    MODERATOR = "moderator"
    OBSERVER = "observer"
    GUEST = "guest"


class ParticipantStatus(StrEnum):
    ACTIVE = "active"
    MUTED = "muted"
    REMOVED = "removed"
    LEFT = "left"


ParticipantName = Annotated[Text, StringConstraints(max_length=255)]
Contact = Annotated[TrimmedText, Field(min_length=1, max_length=255)]


class NewParticipant(Model):
    """Spec 1's {role, name, contact}, with the user where they have an account."""

    model_config = {"extra": "forbid"}

    role: Role
    name: ParticipantName | None = None
    contact: Contact | None = None
    user_id: UUID | None = None

    @model_validator(mode="after")
    def somebody(self) -> "NewParticipant":
        if not (self.name or self.contact or self.user_id):
            raise ValueError("a participant has a name, a contact or a userId")
        return self


Participants = Annotated[list[NewParticipant], Field(max_length=1_000)]


class Participant(View):
    """Somebody in a thread (API.md, Threads). `role` is spec 1's, `participantRole` spec 2's."""

    id: UUID
    user_id: UUID | None
    role: Role
    participant_role: ParticipantRole
    name: str | None
    contact: str | None
    status: ParticipantStatus
    can_send_messages: bool = True
    can_invite_others: bool = False
    can_see_history: bool = True
    joined_at: Time
    last_read_at: Time | None = None


class ParticipantPage(View):
    """In the order in which they joined."""

    participants: list[Participant]
    has_more: bool
    next_cursor: str | None


class ParticipantNotFound(NotFound):
    """Nobody in this thread has this id."""


class AlreadyTakesPart(Conflict):
    """They take part in the thread already."""


class ThreadIsFull(Conflict):
    """As many take part in the thread as may."""


class DirectThreadIsFixed(Conflict):
    """A direct thread is for its two: who takes part in it stays as it is, and it is neither closed nor archived."""


class ProjectThreadIsFixed(Conflict):
    """A project's thread is as its project is: its name, its members and whether it is archived are changed there."""


class CreatorStays(Conflict):
    """Who opened a thread is its moderator until they leave it themselves."""


class ThreadNeedsAModerator(Conflict):
    """The last moderator stays while others take part; make another one first."""


class ParticipantsAreTooMany(Conflict):
    """More take part in the thread than are shown with it; they come, change and go one at a time, not by a list."""


class ListParticipants(Request):
    """Those who take part in a thread, or with `status` those who did once, for who may change it."""

    thread_id: UUID
    status: ParticipantStatus | None = None
    role: Role | None = None
    participant_role: ParticipantRole | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class GetParticipant(Request):
    """One who takes part in a thread, by their id there or their userId."""

    thread_id: UUID
    participant_id: UUID


class AddParticipant(Request):
    """Invite somebody into a thread, or join one: then `userId` is the caller's own.

    Who does not manage the thread may add others, with `canInviteOthers`, as members, observers or guests alone. Their `role` is what they
    have in the workspace then, and what was kept from one who comes again stays so.
    """

    thread_id: UUID
    user_id: UUID | None = None
    name: ParticipantName | None = None
    contact: Contact | None = None
    role: Role | None = None
    participant_role: ParticipantRole | None = None
    can_send_messages: StrictBool = True
    can_invite_others: StrictBool = False
    can_see_history: StrictBool = True
    reason: Reason | None = None

    @model_validator(mode="after")
    def somebody(self) -> "AddParticipant":
        if not (self.name or self.contact or self.user_id):
            raise ValueError("a participant has a name, a contact or a userId")
        return self


class ChangeParticipant(Request):
    """Change what is sent of a participant: their part in the thread, whether they are muted, what they may, how they are called."""

    thread_id: UUID
    participant_id: UUID
    role: Role = Role.CLIENT
    participant_role: ParticipantRole = ParticipantRole.MEMBER
    status: Literal[ParticipantStatus.ACTIVE, ParticipantStatus.MUTED] = ParticipantStatus.ACTIVE
    name: ParticipantName | None = None
    can_send_messages: StrictBool = True
    can_invite_others: StrictBool = False
    can_see_history: StrictBool = True
    reason: Reason | None = None


class RemoveParticipant(Request):
    """Take somebody out of a thread; who names themself leaves it."""

    thread_id: UUID
    participant_id: UUID
    reason: Reason | None = None


_FIXED = (ThreadNotFound, ThreadIsReadOnlyForYou, ThreadIsArchived, DirectThreadIsFixed, ProjectThreadIsFixed)

LIST_PARTICIPANTS = Operation(
    ListParticipants,
    ParticipantPage,
    called_by=[GATEWAY],
    refuses=[ThreadNotFound, ThreadIsReadOnlyForYou, CursorIsNotValid],
    coalesced=False,
)
GET_PARTICIPANT = Operation(GetParticipant, Participant, called_by=[GATEWAY], refuses=[ThreadNotFound, ParticipantNotFound])
ADD_PARTICIPANT = Operation(
    AddParticipant, Participant, called_by=[GATEWAY], refuses=[*_FIXED, AlreadyTakesPart, ThreadIsFull, RequestIsInvalid], keyed=True
)
CHANGE_PARTICIPANT = Operation(
    ChangeParticipant,
    Participant,
    called_by=[GATEWAY],
    refuses=[*_FIXED, ParticipantNotFound, CreatorStays, ThreadNeedsAModerator, RequestIsInvalid],
)
REMOVE_PARTICIPANT = Operation(
    RemoveParticipant, Nothing, called_by=[GATEWAY], refuses=[*_FIXED, ParticipantNotFound, CreatorStays, ThreadNeedsAModerator]
)


class ParticipantAdded(Event):
    """Somebody takes part in a thread from now on."""

    thread_id: UUID
    participant: Participant


class ParticipantChanged(Event):
    """A participant has another role, name, contact or user, is muted or not, or may do something else."""

    thread_id: UUID
    participant: Participant


class ParticipantRemoved(Event):
    """Somebody takes no part in a thread any more."""

    thread_id: UUID
    participant: Participant
