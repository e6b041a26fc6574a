"""A durable consumer is declared once: the operator makes it, its service reads it, and nobody else may."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from shared.contracts.attachments.attachments import (
    AttachmentChanged,
    GuardedAttachmentChanged,
    NoteAttachmentChanged,
    OwnAttachmentChanged,
)
from shared.contracts.audit import Audited
from shared.contracts.declared import import_contracts
from shared.contracts.messages.hidden import GuardedMessageDeleted, GuardedMessageEdited, GuardedMessagePosted
from shared.contracts.messages.messages import MessageDeleted, MessageEdited, MessagePosted, NoteDeleted, NoteEdited, NotePosted
from shared.contracts.messages.receipts import ThreadRead
from shared.contracts.model import Event
from shared.contracts.operations import ATTACHMENTS, GRAPH, IDENTITY, MESSAGES, THREADS
from shared.contracts.projects.files import FileChanged
from shared.contracts.projects.members import MemberChanged
from shared.contracts.projects.pages import PageChanged
from shared.contracts.projects.projects import ProjectChanged
from shared.contracts.projects.tasks import TaskChanged
from shared.contracts.threads.participants import ParticipantAdded, ParticipantRemoved
from shared.contracts.threads.threads import ThreadChanged, ThreadOpened


@dataclass(frozen=True, eq=False)
class Subscription:
    """The events that one reaction of a service waits for, each in the order of the stream."""

    service: str
    name: str
    events: Sequence[type[Event]]
    consumer: str = field(init=False)
    subjects: tuple[str, ...] = field(init=False)

    known: ClassVar[list["Subscription"]] = []

    def __post_init__(self) -> None:
        object.__setattr__(self, "consumer", f"{self.service}-{self.name}")
        object.__setattr__(self, "subjects", tuple(f"event.{event.event_type}.>" for event in self.events))
        Subscription.known.append(self)


THREADS_ACTIVITY = Subscription(THREADS, "activity", [MessagePosted, MessageEdited, MessageDeleted])
"""A thread's newest message, and its place in lists."""

MESSAGES_PARTS = Subscription(MESSAGES, "parts", [ParticipantAdded, ParticipantRemoved])
"""Whose receipts others are shown."""

MESSAGES_FILES = Subscription(MESSAGES, "files", [AttachmentChanged, NoteAttachmentChanged, GuardedAttachmentChanged])
"""What messages tell of their files."""

THREADS_READING = Subscription(THREADS, "reading", [ThreadRead])
"""How far those who take part have read."""

THREADS_PROJECTS = Subscription(THREADS, "projects", [ProjectChanged, MemberChanged])
"""How the threads of projects are called, and who takes part in them."""

ATTACHMENTS_POSTS = Subscription(
    ATTACHMENTS, "posts", [MessagePosted, NotePosted, GuardedMessagePosted, MessageDeleted, NoteDeleted, GuardedMessageDeleted]
)
"""Which files are in messages, whom they are hidden from, and which went with theirs."""

GRAPH_ARTIFACTS = Subscription(
    GRAPH,
    "artifacts",
    [
        *(ThreadOpened, ThreadChanged, ProjectChanged, TaskChanged, FileChanged, PageChanged),
        *(MessagePosted, MessageEdited, MessageDeleted, NotePosted, NoteEdited, NoteDeleted),
        *(GuardedMessagePosted, GuardedMessageEdited, GuardedMessageDeleted),
        *(AttachmentChanged, NoteAttachmentChanged, GuardedAttachmentChanged, OwnAttachmentChanged),
    ],
)
"""What can be linked, and the links that come by themselves."""

import_contracts()
_AUDITED = [event for event in Event.known.values() if issubclass(event, Audited) and event.owner not in ("audit", IDENTITY)]
IDENTITY_AUDIT = Subscription(IDENTITY, "audit", sorted(_AUDITED, key=lambda event: event.event_type))
"""What admins and auditors did in other services, for the log."""
