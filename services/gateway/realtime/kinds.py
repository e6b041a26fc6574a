"""Which events clients are told, as what, and whom they concern."""

from dataclasses import dataclass, field
from enum import Enum

from pydantic.alias_generators import to_camel

from shared.contracts.attachments.attachments import (
    AttachmentChanged,
    GuardedAttachmentChanged,
    NoteAttachmentChanged,
    OwnAttachmentChanged,
)
from shared.contracts.graph.links import LinkChanged
from shared.contracts.identity.accounts import EmailVerified
from shared.contracts.identity.profiles import UserChanged
from shared.contracts.messages.hidden import GuardedMessageDeleted, GuardedMessageEdited, GuardedMessagePosted
from shared.contracts.messages.messages import MessageDeleted, MessageEdited, MessagePosted, NoteDeleted, NoteEdited, NotePosted
from shared.contracts.messages.receipts import ThreadDelivered, ThreadRead
from shared.contracts.model import Event
from shared.contracts.permissions import Permission
from shared.contracts.projects.columns import ColumnChanged
from shared.contracts.projects.files import FileChanged
from shared.contracts.projects.members import MemberChanged
from shared.contracts.projects.pages import PageChanged
from shared.contracts.projects.projects import ProjectChanged
from shared.contracts.projects.tasks import TaskChanged
from shared.contracts.threads.participants import ParticipantAdded, ParticipantChanged, ParticipantRemoved
from shared.contracts.threads.threads import ThreadArchived, ThreadChanged, ThreadOpened, ThreadRestored


class Scope(Enum):
    """What the key of an event names, which decides who may see it."""

    THREAD = "those who see the thread"
    PROJECT = "the members of the project"
    USER = "the user alone"


class Level(Enum):
    """Who of those who see a thread."""

    ALL = "all"
    NOTES = "those who see notes"
    GUARDED = "those who see more than guests"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event that clients are told. needs: what a viewer must be granted, as for reading the same over HTTP.

    moment: where in the payload it says when its subject was made; what is older than a viewer's part is hidden from who sees no history.
    linking: its ends must be seen too. opening: with it the thread or project begins, for all who are in it from the beginning.
    type: in frames, the event's name in camelCase.
    """

    event: type[Event]
    scope: Scope
    needs: Permission
    level: Level = Level.ALL
    moment: tuple[str, str] | None = None
    linking: bool = False
    opening: bool = False
    type: str = field(init=False)
    bit: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", to_camel(self.event.event_type.split(".")[1]))
        object.__setattr__(self, "bit", self.needs.bit)


_MESSAGE = ("message", "createdAt")
_ATTACHMENT = ("attachment", "createdAt")
_THREAD, _PROJECT, _USER = Scope.THREAD, Scope.PROJECT, Scope.USER

_KINDS = [
    *(Kind(event, _THREAD, Permission.MESSAGE_READ, Level.ALL, _MESSAGE) for event in (MessagePosted, MessageEdited, MessageDeleted)),
    *(Kind(event, _THREAD, Permission.MESSAGE_READ, Level.NOTES, _MESSAGE) for event in (NotePosted, NoteEdited, NoteDeleted)),
    *(
        Kind(event, _THREAD, Permission.MESSAGE_READ, Level.GUARDED, _MESSAGE)
        for event in (GuardedMessagePosted, GuardedMessageEdited, GuardedMessageDeleted)
    ),
    *(Kind(event, _THREAD, Permission.MESSAGE_READ) for event in (ThreadRead, ThreadDelivered)),
    Kind(AttachmentChanged, _THREAD, Permission.FILE_READ, Level.ALL, _ATTACHMENT),
    Kind(NoteAttachmentChanged, _THREAD, Permission.FILE_READ, Level.NOTES, _ATTACHMENT),
    Kind(GuardedAttachmentChanged, _THREAD, Permission.FILE_READ, Level.GUARDED, _ATTACHMENT),
    Kind(OwnAttachmentChanged, _USER, Permission.FILE_READ),
    Kind(ThreadOpened, _THREAD, Permission.ROOM_READ, opening=True),
    *(Kind(event, _THREAD, Permission.ROOM_READ) for event in (ThreadChanged, ThreadArchived, ThreadRestored)),
    *(Kind(event, _THREAD, Permission.ROOM_READ) for event in (ParticipantAdded, ParticipantChanged, ParticipantRemoved)),
    Kind(ProjectChanged, _PROJECT, Permission.PROJECT_READ, opening=True),
    *(Kind(event, _PROJECT, Permission.PROJECT_READ) for event in (MemberChanged, ColumnChanged, TaskChanged, FileChanged, PageChanged)),
    Kind(LinkChanged, _PROJECT, Permission.GRAPH_READ, linking=True),
    *(Kind(event, _USER, Permission.SELF_READ) for event in (UserChanged, EmailVerified)),
]

KINDS = {kind.event.event_type: kind for kind in _KINDS}
"""By the type of the event. What is not here is told nobody: the audit log, invitations, tokens, what an operator does."""
