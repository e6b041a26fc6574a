"""How far a thread's messages go; threads asks when somebody comes in, who may see what follows alone."""

from uuid import UUID

from shared.contracts.model import Request, Time, View
from shared.contracts.operations import THREADS, Operation


class NewestMessage(View):
    """`at`: the time of the newest one, whoever sees it. Messages of one moment follow each other, so it may be ahead of the clock."""

    at: Time | None


class FindNewestMessage(Request):
    """When the newest message of a thread was posted; what is posted from now on is later."""

    thread_id: UUID


FIND_NEWEST_MESSAGE = Operation(FindNewestMessage, NewestMessage, called_by=[THREADS], timeout=2.0)
