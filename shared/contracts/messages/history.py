"""What messages said before they were changed, for auditors (spec 2, Audit Tables)."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.messages.messages import Message, MessageNotFound
from shared.contracts.model import Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import CursorIsNotValid


class MessageVersion(View):
    """A message as it was until a change: when that came, what it was, by whom, and why where they said it."""

    history_id: UUID
    changed_at: Time
    operation_type: Literal["UPDATE", "DELETE"]
    changed_by: UUID
    reason: str | None
    message: Message


class MessageHistory(View):
    """Oldest first."""

    history: list[MessageVersion]
    has_more: bool
    next_cursor: str | None


class GetMessageHistory(Request):
    """All that a message was, what is deleted too. That somebody looked is audited."""

    message_id: UUID
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


GET_MESSAGE_HISTORY = Operation(
    GetMessageHistory, MessageHistory, called_by=[GATEWAY], refuses=[MessageNotFound, CursorIsNotValid], coalesced=False
)
