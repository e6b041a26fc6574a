"""A thread as one reader sees it."""

from services.threads.domain.access import Part
from shared.contracts.messages.unread import Unread
from shared.contracts.threads.threads import Thread


def shown(thread: Thread, part: Part | None, unread: Unread | None) -> Thread:
    """The thread with what its reader has not read, and without a last message that is older than they may see."""
    last, since = thread.last_message, part.seen_from if part else None
    if last is not None and since is not None and last.created_at < since:
        last = None
    counts = {"unread_count": unread.unread_count, "mention_count": unread.mention_count} if unread else {}
    return thread.model_copy(update={"last_message": last, **counts})


def is_unread(unread: Unread) -> bool:
    return unread.unread_count > 0 or unread.mention_count > 0
