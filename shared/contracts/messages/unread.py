"""What one reader has not read yet; threads asks for its lists."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.model import Request, Time, View
from shared.contracts.operations import THREADS, Operation

MOST_COUNTED = 1_000  # unread messages of a thread; more are `capped` (API.md)


class Standing(Request):
    """A thread as its reader stands in it, by threads' own word."""

    thread_id: UUID
    joined_at: Time | None
    seen_from: Time | None
    notes: bool
    hidden_robots: bool = False


class Unread(View):
    """`capped`: there may be more than `unreadCount` says, which looks no further.

    lastReadMessageId: the newest message, of those that the reader can see, up to which they have read.
    """

    thread_id: UUID
    unread_count: int
    capped: bool
    mention_count: int
    last_read_message_id: UUID | None


class UnreadCounts(View):
    threads: list[Unread]


class CountUnread(Request):
    """How much the caller has not read of each thread; in the order asked."""

    threads: Annotated[list[Standing], Field(max_length=200)]


COUNT_UNREAD = Operation(CountUnread, UnreadCounts, called_by=[THREADS], timeout=2.0)
