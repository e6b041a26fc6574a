"""The rules of messages: no I/O, no clock, no SQL."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from shared.contracts.messages.messages import (
    Channel,
    DeliveryStatus,
    EditWindowIsOver,
    Message,
    MessageIsDeleted,
    MessageType,
    NotTheAuthor,
    RepliedMessageNotFound,
)
from shared.contracts.principal import Role
from shared.contracts.refusals import KeyWasUsedForAnother, Refusal
from shared.identifiers import id_at

EDIT_WINDOW = timedelta(minutes=5)  # spec 1, Message Operations
MILLISECOND = timedelta(milliseconds=1)


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
    """A message that has no place yet. `content` is clean HTML; `keys` are what a retry is known by, with digests of what was asked."""

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


@dataclass(frozen=True, slots=True)
class Replied:
    """What a message replies to."""

    thread_id: UUID
    hidden: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A key that was used before, and for what."""

    digest: bytes
    message_id: UUID


def visible(draft: Draft, replied: Replied | None, *, sees_notes: bool) -> Draft:
    """The draft as it may be posted: a reply to a note is a note. Raises `RepliedMessageNotFound`."""
    if draft.reply_to is None:
        return draft
    if replied is None or replied.deleted or replied.thread_id != draft.thread_id or (replied.hidden and not sees_notes):
        raise RepliedMessageNotFound
    return replace(draft, channel=Channel.NOTE) if replied.hidden else draft


def place(draft: Draft, head: Head, now: datetime) -> tuple[Message, Head]:
    """Give a draft its place in the thread: the next seq, or the next subSeq where some readers cannot see it."""
    whole = now.replace(microsecond=now.microsecond // 1000 * 1000)
    at = max(whole, head.last_at + MILLISECOND)  # time order is seq order, whatever the clock did
    moved = head.next_hidden(at) if draft.channel is Channel.NOTE else head.next(at)
    message = Message(
        id=id_at(at),
        thread_id=draft.thread_id,
        seq=moved.last_seq,
        sub_seq=moved.last_sub_seq,
        author_id=draft.author_id,
        author_role=draft.author_role,
        author_name=draft.author_name,
        channel=draft.channel,
        message_type=MessageType.CHAT,
        content=draft.content,
        reply_to=draft.reply_to,
        metadata=draft.metadata,
        content_metadata=draft.content_metadata,
        delivery_status=DeliveryStatus.DELIVERED,
        client_message_id=draft.client_message_id,
        created_at=at,
        edited_at=None,
        deleted_at=None,
    )
    return message, moved


def replayed(used: UsedKey, digest: bytes, replied: Replied | None, *, sees_notes: bool) -> Refusal | None:
    """Whether a key that was used before is used for the same again, by one who may still see what came of it."""
    if used.digest != digest:
        return KeyWasUsedForAnother()
    return RepliedMessageNotFound() if replied is not None and replied.hidden and not sees_notes else None


def edited(message: Message, author_id: UUID, content: str, now: datetime) -> Message:
    """The message with other content. Raises the refusal that stands against it."""
    if message.author_id != author_id:
        raise NotTheAuthor
    if message.deleted_at is not None:
        raise MessageIsDeleted
    if now - message.created_at > EDIT_WINDOW:
        raise EditWindowIsOver
    return message.model_copy(update={"content": content, "edited_at": now})


def deleted(message: Message, user_id: UUID, *, deletes_others: bool, now: datetime) -> Message:
    """The message blanked; one that is deleted already stays as it is. Raises `NotTheAuthor`."""
    if message.author_id != user_id and not deletes_others:
        raise NotTheAuthor
    return message if message.deleted_at is not None else message.model_copy(update={"deleted_at": now})


def shown(message: Message) -> Message:
    """The message as its readers get it: a deleted one keeps its place and says nothing."""
    if message.deleted_at is None:
        return message
    return message.model_copy(update={"content": "", "metadata": {}, "content_metadata": {}})
