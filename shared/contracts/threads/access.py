"""Who may do what in a thread."""

from enum import StrEnum
from uuid import UUID

from shared.contracts.model import Request, Time, View
from shared.contracts.operations import ATTACHMENTS, GATEWAY, GRAPH, MESSAGES, Operation
from shared.contracts.refusals import Conflict, Forbidden, NotFound


class State(StrEnum):
    ACTIVE = "active"
    CLOSED = "closed"
    ARCHIVED = "archived"


class Right(StrEnum):
    """What one may want to do with a thread's messages."""

    READ = "read"
    POST = "post"


class Access(View):
    """What the caller may do in one thread, beyond the right that was asked for.

    seen_from: what is older is hidden from them; None shows all. joined_at: since when they take part; None where they do not.
    hidden_robots: robot messages that are not for guests are hidden from them.
    """

    thread_id: UUID
    state: State
    notes: bool
    deletes_others: bool
    seen_from: Time | None = None
    joined_at: Time | None = None
    hidden_robots: bool = False


class ThreadNotFound(NotFound):
    """There is no such thread, or it is not yours to see."""


class ThreadIsArchived(Conflict):
    """The thread is archived; nothing can be changed in it or posted to it."""


class ThreadIsClosed(Conflict):
    """The thread is closed; nothing can be posted to it."""


class ThreadIsReadOnlyForYou(Forbidden):
    """You may read this thread, and not do this to it."""


class CheckAccess(Request):
    """Whether the caller has a right in a thread; refused where they have not."""

    thread_id: UUID
    right: Right


CHECK_ACCESS = Operation(
    CheckAccess,
    Access,
    called_by=[GATEWAY, MESSAGES, ATTACHMENTS, GRAPH],
    refuses=[ThreadNotFound, ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou],
    timeout=3.0,
)
