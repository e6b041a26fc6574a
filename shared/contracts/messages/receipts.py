"""How far each reader of a thread has read it, and how far it has reached them (spec 1, Read Receipts & Presence)."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.messages.unread import Unread, UnreadCounts
from shared.contracts.model import Event, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.principal import Role
from shared.contracts.refusals import CursorIsNotValid, Invalid
from shared.contracts.threads.access import ThreadNotFound


class Receipt(View):
    """How far one reader is, by messages that whoever asks can see."""

    thread_id: UUID
    user_id: UUID
    user_role: Role
    user_name: str | None
    last_read_message_id: UUID | None
    last_read_seq: int | None
    last_read_at: Time | None
    last_delivered_message_id: UUID | None
    last_delivered_at: Time | None


class ReceiptPage(View):
    """In the order of their users' ids."""

    receipts: list[Receipt]
    has_more: bool
    next_cursor: str | None


class MarkedMessageNotFound(Invalid):
    """The message up to which this is to be marked is not in this thread."""


class GetUnread(Request):
    """How much the caller has not read of a thread."""

    thread_id: UUID


class MarkRead(Request):
    """The caller has read a thread up to a message; never moves backwards."""

    thread_id: UUID
    last_message_id: UUID


class MarkUnread(Request):
    """From a message on, the caller has not read a thread; never moves forward."""

    thread_id: UUID
    from_message_id: UUID


class MarkDelivered(Request):
    """A thread has reached the caller up to a message; never moves backwards."""

    thread_id: UUID
    last_message_id: UUID


class ReadUpTo(Request):
    """A thread, and the last of its messages that was read."""

    thread_id: UUID
    last_message_id: UUID


class MarkThreadsRead(Request):
    """The caller has read several threads. Those that are not theirs to see, or without that message, are left out of the answer."""

    threads: Annotated[list[ReadUpTo], Field(min_length=1, max_length=100)]


class ListReceipts(Request):
    """Everybody's receipts of a thread."""

    thread_id: UUID
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class ThreadRead(Event):
    """Somebody's mark in a thread moved, forward or back. By what everybody sees: a note that was read is told as the message before it."""

    thread_id: UUID
    user_id: UUID
    last_read_message_id: UUID | None
    last_read_seq: int
    last_read_at: Time


class ThreadDelivered(Event):
    """A thread has reached somebody up to a message, by what everybody sees."""

    thread_id: UUID
    user_id: UUID
    last_delivered_message_id: UUID | None
    last_delivered_seq: int
    last_delivered_at: Time


GET_UNREAD = Operation(GetUnread, Unread, called_by=[GATEWAY], refuses=[ThreadNotFound])
MARK_READ = Operation(MarkRead, Unread, called_by=[GATEWAY], refuses=[ThreadNotFound, MarkedMessageNotFound])
MARK_UNREAD = Operation(MarkUnread, Unread, called_by=[GATEWAY], refuses=[ThreadNotFound, MarkedMessageNotFound])
MARK_DELIVERED = Operation(MarkDelivered, Receipt, called_by=[GATEWAY], refuses=[ThreadNotFound, MarkedMessageNotFound])
MARK_THREADS_READ = Operation(MarkThreadsRead, UnreadCounts, called_by=[GATEWAY])
LIST_RECEIPTS = Operation(ListReceipts, ReceiptPage, called_by=[GATEWAY], refuses=[ThreadNotFound, CursorIsNotValid], coalesced=False)
