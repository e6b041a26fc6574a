"""Threads: conversations of any kind."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, model_validator

from shared.contracts.model import Event, Nothing, Reason, Request, Text, Time, TrimmedText, View, storable_json
from shared.contracts.operations import GATEWAY, PROJECTS, Operation
from shared.contracts.refusals import Conflict, CursorIsNotValid, PermissionIsMissing, RequestIsInvalid
from shared.contracts.threads.access import State, ThreadIsArchived, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.participants import (
    DirectThreadIsFixed,
    Participant,
    Participants,
    ParticipantsAreTooMany,
    ProjectThreadIsFixed,
    ThreadNeedsAModerator,
)

SETTINGS_BYTES = 16 * 1024
SHOWN_PARTICIPANTS = 100


class Kind(StrEnum):
    BOOKING = "booking"
    GROUP = "group"
    DIRECT = "direct"
    SUPPORT = "support"
    ESCALATED = "escalated"
    ASSISTANT = "assistant"
    PROJECT = "project"


class Status(StrEnum):
    """The booking's status (spec 1, collaboration_threads)."""

    DRAFT = "Draft"
    CONFIRMED = "Confirmed"
    COMPLETED = "Completed"
    CANCELLED = "Cancelled"


ShortText = Annotated[TrimmedText, Field(min_length=1, max_length=255)]
LongText = Annotated[Text, StringConstraints(max_length=10_000)]
MaxParticipants = Annotated[int, Field(strict=True, ge=1, le=100_000)]
ThreadSettings = Annotated[dict[str, Any], AfterValidator(storable_json(SETTINGS_BYTES))]


class LastMessage(View):
    """The newest message that everyone in the thread can see."""

    id: UUID
    seq: int
    author_name: str | None
    preview: str
    created_at: Time


class ThreadFacts(View):
    """A thread without those who take part in it and what they said; small enough for an event."""

    id: UUID
    kind: Kind
    booking_id: str | None
    ref: str | None
    title: str
    client_name: str | None
    status: Status
    state: State
    archived: bool
    description: str | None
    issue_id: str | None
    issue_description: str | None
    is_private: bool
    guest_access_allowed: bool
    max_participants: int
    creator_id: UUID
    parent_thread_id: UUID | None
    project_id: UUID | None = None
    escalation_level: int
    settings: dict[str, Any]
    created_at: Time
    updated_at: Time


class Thread(ThreadFacts):
    """A conversation (API.md, Threads). `participants` are the first 100 of `participantCount`.

    What the caller has not read is null while the service that counts it is away.
    """

    participants: list[Participant]
    participant_count: int
    last_message: LastMessage | None
    last_seq: int
    unread_count: int | None
    mention_count: int | None


class ThreadPage(View):
    """`total` is null in a list of unread threads: they are looked for a page at a time."""

    threads: list[Thread]
    total: int | None
    has_more: bool
    next_cursor: str | None


class BookingHasAThread(Conflict):
    """The booking has a thread already; a booking has one."""


class ThreadFields(Request):
    """The fields that both opening and changing a thread take."""

    ref: Annotated[TrimmedText, Field(max_length=32)] | None = None
    client_name: Annotated[TrimmedText, Field(max_length=255)] | None = None
    description: LongText | None = None
    issue_id: Annotated[Text, StringConstraints(max_length=255)] | None = None
    issue_description: LongText | None = None


class OpenThread(ThreadFields):
    """Open a thread; its creator takes part as moderator (spec 1, Thread Management)."""

    kind: Kind = Kind.BOOKING
    booking_id: Annotated[TrimmedText, Field(min_length=1, max_length=64)] | None = None
    title: ShortText
    status: Status = Status.DRAFT
    participants: Participants = []
    is_private: StrictBool = False
    guest_access_allowed: StrictBool = True
    max_participants: MaxParticipants = 50
    settings: ThreadSettings = {}

    @model_validator(mode="after")
    def booking_is_named(self) -> "OpenThread":
        if (self.kind is Kind.BOOKING) != (self.booking_id is not None):
            raise ValueError("a booking thread, and no other, has a bookingId")
        return self

    @model_validator(mode="after")
    def a_projects_is_made_with_it(self) -> "OpenThread":
        if self.kind is Kind.PROJECT:
            raise ValueError("a project's thread is made with its project")
        return self

    @model_validator(mode="after")
    def direct_is_for_two(self) -> "OpenThread":
        if self.kind is Kind.DIRECT and [one.user_id is not None for one in self.participants] != [True]:
            raise ValueError("a direct thread is with one other participant, by userId")
        return self


class ChangeThread(ThreadFields):
    """Change the fields that are sent (spec 1, Thread Management). An archived thread takes `archived: false` or `state: active` alone.

    `participants` replaces the list: matched by userId, then contact; the creator stays, sent or not. Where more than 100 take part it does
    not, for a view that is sent back would be short of the rest.
    """

    thread_id: UUID
    title: ShortText = ""
    status: Status = Status.DRAFT
    state: State = State.ACTIVE
    archived: StrictBool = False
    participants: Participants = []
    is_private: StrictBool = False
    guest_access_allowed: StrictBool = True
    max_participants: MaxParticipants = 50
    settings: ThreadSettings = {}
    reason: Reason | None = None

    @model_validator(mode="after")
    def one_state(self) -> "ChangeThread":
        if {"state", "archived"} <= self.model_fields_set and self.archived != (self.state is State.ARCHIVED):
            raise ValueError("state and archived contradict each other")
        return self


class ArchiveThread(Request):
    """Archive a thread; again changes nothing."""

    thread_id: UUID
    reason: Reason | None = None


class GetThread(Request):
    thread_id: UUID


class ListThreads(Request):
    """The caller's threads, newest activity first. `offset` and `cursor` exclude each other.

    q: words, or their beginnings, that the title or ref has. unread: those alone that have something unread; of them a page may hold
    fewer than `limit`, or none, while `hasMore` says that there is more to look through.
    """

    kind: Kind | None = None
    status: Status | None = None
    state: State | None = None
    archived: bool | None = None
    unread: bool = False
    q: Annotated[Text, StringConstraints(min_length=1, max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    cursor: Annotated[str, Field(max_length=500)] | None = None

    @model_validator(mode="after")
    def one_way_to_page(self) -> "ListThreads":
        if self.cursor is not None and self.offset:
            raise ValueError("offset and cursor exclude each other")
        if self.unread and self.offset:
            raise ValueError("unread threads are paged by cursor")
        if self.state is not None and self.archived is not None and self.archived != (self.state is State.ARCHIVED):
            raise ValueError("state and archived contradict each other")
        return self

    @property
    def states(self) -> list[State]:
        """The states of the threads that are listed."""
        if self.state is not None:
            return [self.state]
        return [State.ARCHIVED] if self.archived else [State.ACTIVE, State.CLOSED]


class OpenProjectThread(Request):
    """Open the thread of a project that its caller has just begun, with its owner in it; again changes nothing.

    What becomes of the project and its members afterwards, its events tell.
    """

    project_id: UUID
    thread_id: UUID
    membership_id: UUID
    title: ShortText


OPEN_PROJECT_THREAD = Operation(OpenProjectThread, Nothing, called_by=[PROJECTS], timeout=3.0)
OPEN_THREAD = Operation(
    OpenThread,
    Thread,
    called_by=[GATEWAY],
    refuses=[PermissionIsMissing, BookingHasAThread, ThreadNotFound, RequestIsInvalid],
    coalesced=False,
    keyed=True,
)
CHANGE_THREAD = Operation(
    ChangeThread,
    Thread,
    called_by=[GATEWAY],
    refuses=[
        *(ThreadNotFound, ThreadIsArchived, ThreadIsReadOnlyForYou, DirectThreadIsFixed, ProjectThreadIsFixed),
        *(ParticipantsAreTooMany, ThreadNeedsAModerator, RequestIsInvalid),
    ],
    coalesced=False,
)
ARCHIVE_THREAD = Operation(
    ArchiveThread,
    Thread,
    called_by=[GATEWAY],
    refuses=[ThreadNotFound, ThreadIsReadOnlyForYou, DirectThreadIsFixed, ProjectThreadIsFixed],
    coalesced=False,
)
GET_THREAD = Operation(GetThread, Thread, called_by=[GATEWAY], refuses=[ThreadNotFound], coalesced=False)
LIST_THREADS = Operation(ListThreads, ThreadPage, called_by=[GATEWAY], refuses=[CursorIsNotValid], coalesced=False)


class ThreadOpened(Event):
    """A thread is there; `ParticipantAdded` follows for each who takes part in it."""

    thread: ThreadFacts


class ThreadChanged(Event):
    """Fields of a thread are others than before. `changed` names them."""

    thread: ThreadFacts
    changed: list[str]


class ThreadArchived(Event):
    """A thread is archived."""

    thread_id: UUID


class ThreadRestored(Event):
    """An archived thread is active again."""

    thread_id: UUID
