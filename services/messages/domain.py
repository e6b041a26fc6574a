"""The rules of messages: no I/O, no clock, no SQL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.messages.files import NO_FILES, Files
from shared.contracts.identity.directory import Member
from shared.contracts.messages.messages import (
    Channel,
    DeliveryStatus,
    DeliveryStatusDoesNotFollow,
    EditWindowIsOver,
    Message,
    MessageIsDeleted,
    MessageType,
    NotTheAuthor,
    PostMessage,
    RepliedMessageNotFound,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import FieldError, KeyWasUsedForAnother, PermissionIsMissing, Refusal, RequestIsInvalid
from shared.contracts.threads.access import Access
from shared.identifiers import id_at

EDIT_WINDOW = timedelta(minutes=5)  # spec 1, Message Operations
MILLISECOND = timedelta(milliseconds=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

# What may follow what; what is delivered stays so, and what failed may be tried again.
FOLLOWS = {
    DeliveryStatus.STREAMING: {DeliveryStatus.BATCH_DELAY, DeliveryStatus.DELIVERED, DeliveryStatus.FAILED},
    DeliveryStatus.BATCH_DELAY: {DeliveryStatus.STREAMING, DeliveryStatus.DELIVERED, DeliveryStatus.FAILED},
    DeliveryStatus.FAILED: {DeliveryStatus.STREAMING, DeliveryStatus.BATCH_DELAY},
    DeliveryStatus.DELIVERED: set[DeliveryStatus](),
}


class HiddenFrom(IntEnum):
    """Who cannot see a message, as it is stored."""

    NOBODY = 0
    THOSE_WITHOUT_NOTES = 1
    GUESTS = 2


@dataclass(frozen=True, slots=True)
class Sight:
    """What one reader sees of a thread's messages. What is older than `since` is hidden from them."""

    notes: bool
    robots: bool
    since: datetime

    @property
    def kinds(self) -> list[int]:
        return [0, *([1] if self.notes else []), *([2] if self.robots else [])]

    def sees(self, hidden_from: HiddenFrom, at: datetime) -> bool:
        return hidden_from in self.kinds and at >= self.since


def sight(access: Access) -> Sight:
    return Sight(access.notes, not access.hidden_robots, access.seen_from or BEGINNING)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a thread's next message goes. `last_sub_seq` counts the hidden ones since `last_seq`."""

    thread_id: UUID
    last_seq: int
    last_sub_seq: int
    last_at: datetime

    def next(self, at: datetime) -> "Head":
        return replace(self, last_seq=self.last_seq + 1, last_sub_seq=0, last_at=at)

    def next_hidden(self, at: datetime) -> "Head":
        return replace(self, last_sub_seq=self.last_sub_seq + 1, last_at=at)


class Key(NamedTuple):
    """What a retry is known by: a clientMessageId, whose scope is the thread, or an Idempotency-Key, whose scope is the workspace."""

    scope: UUID
    author_id: UUID
    key: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that has no place yet. `content` is clean HTML; `keys` are what a retry is known by, with digests of what was asked.

    author_id: who posts it. contact: the one from outside for whom they do, whose role and name it then has.
    """

    thread_id: UUID
    author_id: UUID
    author_role: Role
    author_name: str
    channel: Channel
    content: str
    reply_to: UUID | None
    metadata: dict[str, Any]
    content_metadata: dict[str, Any]
    client_message_id: str | None
    keys: dict[Key, bytes]
    trace: str
    message_type: MessageType = MessageType.CHAT
    delivery_status: DeliveryStatus = DeliveryStatus.DELIVERED
    robot_id: str | None = None
    robot_response_to: UUID | None = None
    visible_to_guests: bool = False
    contact: str | None = None
    named: Sequence[Member] = ()
    files: Files = NO_FILES
    root_id: UUID | None = None
    replies_to_guarded: bool = False

    @property
    def hidden_from(self) -> HiddenFrom:
        if self.channel is Channel.NOTE:
            return HiddenFrom.THOSE_WITHOUT_NOTES
        guarded = self.replies_to_guarded or (self.message_type is MessageType.ROBOT and not self.visible_to_guests)
        return HiddenFrom.GUESTS if guarded else HiddenFrom.NOBODY


@dataclass(frozen=True, slots=True)
class Replied:
    """What a message replies to."""

    thread_id: UUID
    root_id: UUID
    hidden_from: HiddenFrom
    at: datetime
    deleted: bool


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A key that was used before, and for what."""

    digest: bytes
    message_id: UUID


def check_author(request: PostMessage, caller: Principal) -> None:
    """Raises `PermissionIsMissing` at what service accounts alone may say, and `RequestIsInvalid` where a part of that is missing."""
    contact = {"authorName": request.author_name, "authorContact": request.author_contact, "authorRole": request.author_role}
    robot = {"robotResponseTo": request.robot_response_to, "isRobotVisibleToGuests": request.is_robot_visible_to_guests or None}
    of_programs = request.message_type in (MessageType.ROBOT, MessageType.SYSTEM) or request.delivery_status is not DeliveryStatus.DELIVERED
    program, for_contact = caller.role is Role.SYSTEM, any(contact.values())
    if not program and (of_programs or for_contact or request.robot_id or any(robot.values())):
        raise PermissionIsMissing
    if for_contact and not caller.may(Permission.MESSAGE_FOR_CONTACT):
        raise PermissionIsMissing
    errors = [_missing(field) for field, value in contact.items() if for_contact and value is None]
    if request.message_type is MessageType.ROBOT:
        errors += [] if request.robot_id else [_missing("robotId")]
    else:
        given = [field for field, value in ({"robotId": request.robot_id} | robot).items() if value is not None]
        errors += [FieldError(field=field, code="not_of_a_robot", detail="It is of robot messages alone.") for field in given]
    if errors:
        raise RequestIsInvalid(errors=errors)


def _missing(field: str) -> FieldError:
    return FieldError(field=field, code="missing", detail="It is needed beside the others.")


def visible(draft: Draft, replied: Replied | None, answered: Replied | None, sight: Sight) -> Draft:
    """The draft as it may be posted: a reply is hidden from those who cannot see what it replies to. Raises `RepliedMessageNotFound`.

    answered: what a robot's message responds to.
    """
    if draft.robot_response_to is not None:
        _check_replied(draft, answered, sight)
    if draft.reply_to is None:
        return draft
    found = _check_replied(draft, replied, sight)
    channel = Channel.NOTE if found.hidden_from is HiddenFrom.THOSE_WITHOUT_NOTES else draft.channel
    return replace(draft, channel=channel, root_id=found.root_id, replies_to_guarded=found.hidden_from is HiddenFrom.GUESTS)


def _check_replied(draft: Draft, replied: Replied | None, sight: Sight) -> Replied:
    if replied is None or replied.deleted or replied.thread_id != draft.thread_id or not sight.sees(replied.hidden_from, replied.at):
        raise RepliedMessageNotFound
    return replied


def place(draft: Draft, head: Head, now: datetime) -> tuple[Message, Head]:
    """Give a draft its place in the thread: the next seq, or the next subSeq where some readers cannot see it."""
    whole = now.replace(microsecond=now.microsecond // 1000 * 1000)
    at = max(whole, head.last_at + MILLISECOND)  # time order is seq order, whatever the clock did
    hidden_from = draft.hidden_from
    moved = head.next_hidden(at) if hidden_from else head.next(at)
    message_id = id_at(at)
    message = Message(
        id=message_id,
        thread_id=draft.thread_id,
        seq=moved.last_seq,
        sub_seq=moved.last_sub_seq,
        root_id=draft.root_id,
        author_id=draft.author_id if draft.contact is None else None,
        author_role=draft.author_role,
        author_name=draft.author_name,
        channel=draft.channel,
        message_type=draft.message_type,
        content=draft.content,
        reply_to=draft.reply_to,
        metadata=draft.metadata,
        content_metadata=draft.content_metadata,
        mentions=mentions(draft.named, hidden_from) if draft.named else [],
        attachments=draft.files.of(message_id),
        delivery_status=draft.delivery_status,
        robot_id=draft.robot_id,
        robot_response_to=draft.robot_response_to,
        client_message_id=draft.client_message_id,
        created_at=at,
        edited_at=None,
        deleted_at=None,
    )
    return message, moved


def mentions(named: Sequence[Member], hidden_from: HiddenFrom) -> list[UUID]:
    """Those who are mentioned: the named ones to whose role the message is not hidden. It opens the thread to nobody."""
    if hidden_from is HiddenFrom.THOSE_WITHOUT_NOTES:
        return [member.id for member in named if member.may(Permission.MESSAGE_NOTE)]
    return [member.id for member in named if hidden_from is HiddenFrom.NOBODY or member.role is not Role.GUEST]


def replayed(used: UsedKey, digest: bytes, replied: Replied | None, sight: Sight) -> Refusal | None:
    """Whether a key that was used before is used for the same again, by one who may still see what came of it."""
    if used.digest != digest:
        return KeyWasUsedForAnother()
    hidden = replied is not None and not sight.sees(replied.hidden_from, replied.at)
    return RepliedMessageNotFound() if hidden else None


def hidden_from(message: Message) -> HiddenFrom:
    """Who cannot see it, by its place: what is hidden takes no `seq`."""
    if not message.sub_seq:
        return HiddenFrom.NOBODY
    return HiddenFrom.THOSE_WITHOUT_NOTES if message.channel is Channel.NOTE else HiddenFrom.GUESTS


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different about a message; None stays. `named`: whom the content mentions, None where nobody could say."""

    content: str | None
    delivery_status: DeliveryStatus | None
    named: Sequence[Member] | None


def edited(message: Message, posted_by: UUID | None, change: Change, caller: Principal, now: datetime) -> Message:
    """The message as it is changed. Raises the refusal that stands against it.

    What is not delivered yet is still being made: its author changes it whenever, and that is no edit.
    """
    if caller.user_id not in (message.author_id, posted_by):
        raise NotTheAuthor
    if message.deleted_at is not None:
        raise MessageIsDeleted
    changes: dict[str, Any] = {}
    if change.delivery_status not in (None, message.delivery_status):
        if caller.role is not Role.SYSTEM:
            raise PermissionIsMissing
        if change.delivery_status not in FOLLOWS[message.delivery_status]:
            raise DeliveryStatusDoesNotFollow
        changes["delivery_status"] = change.delivery_status
    if change.content is not None:
        if message.delivery_status is DeliveryStatus.DELIVERED:
            if now - message.created_at > EDIT_WINDOW:
                raise EditWindowIsOver
            changes["edited_at"] = now
        changes["content"] = change.content
        if change.named is not None:
            changes["mentions"] = mentions(change.named, hidden_from(message))
    return message.model_copy(update=changes) if changes else message


def deleted(message: Message, posted_by: UUID | None, user_id: UUID, *, deletes_others: bool, now: datetime) -> Message:
    """The message blanked; one that is deleted already stays as it is. Raises `NotTheAuthor`."""
    if user_id not in (message.author_id, posted_by) and not deletes_others:
        raise NotTheAuthor
    return message if message.deleted_at is not None else message.model_copy(update={"deleted_at": now})


def shown(message: Message) -> Message:
    """The message as its readers get it: a deleted one keeps its place and says nothing."""
    blank = {"content": "", "metadata": {}, "content_metadata": {}, "mentions": [], "attachments": []}
    return message if message.deleted_at is None else message.model_copy(update=blank)
