"""What threads and their participants were before each change, for auditors."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from shared.contracts.model import Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import CursorIsNotValid
from shared.contracts.threads.access import ThreadNotFound


class Changed(StrEnum):
    """What was changed."""

    THREAD = "thread"
    PARTICIPANT = "participant"


class Change(View):
    """One change: what was there before it, who made it, and why where they said so. `before` is empty for those who came (`INSERT`)."""

    id: UUID
    kind: Changed
    target_id: UUID
    operation: str
    changed_at: Time
    changed_by: UUID
    reason: str | None
    before: dict[str, Any]


class ChangePage(View):
    """Newest first."""

    changes: list[Change]
    has_more: bool
    next_cursor: str | None


class GetThreadHistory(Request):
    """The changes of a thread and of those who take part in it."""

    thread_id: UUID
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


GET_THREAD_HISTORY = Operation(
    GetThreadHistory, ChangePage, called_by=[GATEWAY], refuses=[ThreadNotFound, CursorIsNotValid], coalesced=False
)
