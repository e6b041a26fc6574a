"""Those who take part in threads."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from shared.contracts.model import Event, Model, Text, Time, TrimmedText, View
from shared.contracts.principal import Role


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


class NewParticipant(Model):
    """Spec 1's {role, name, contact}, with the user where they have an account."""

    model_config = {"extra": "forbid"}

    role: Role
    name: Annotated[Text, StringConstraints(max_length=255)] | None = None
    contact: Annotated[TrimmedText, Field(min_length=1, max_length=255)] | None = None
    user_id: UUID | None = None

    @model_validator(mode="after")
    def somebody(self) -> "NewParticipant":
        if not (self.name or self.contact or self.user_id):
            raise ValueError("a participant has a name, a contact or a userId")
        return self


Participants = Annotated[list[NewParticipant], Field(max_length=1_000)]


class Participant(View):
    id: UUID
    user_id: UUID | None
    role: Role
    participant_role: ParticipantRole
    name: str | None
    contact: str | None
    status: ParticipantStatus
    joined_at: Time


class ParticipantAdded(Event):
    """Somebody takes part in a thread from now on."""

    thread_id: UUID
    participant: Participant


class ParticipantChanged(Event):
    """A participant has another role, name, contact or user."""

    thread_id: UUID
    participant: Participant


class ParticipantRemoved(Event):
    """Somebody takes no part in a thread any more."""

    thread_id: UUID
    participant: Participant
