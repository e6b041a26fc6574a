"""The log of what admins and auditors did, whichever service it was done in."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from shared.contracts.audit import Audited
from shared.contracts.model import Request, Text, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import CursorIsNotValid


class AuditEntry(View):
    """Who did what to what, and why where they said so."""

    id: UUID
    at: Time
    service: str
    actor_id: UUID
    action: str
    target_kind: str
    target_id: UUID
    reason: str | None
    details: dict[str, Any]


class AuditPage(View):
    entries: list[AuditEntry]
    has_more: bool
    next_cursor: str | None


class ListAudit(Request):
    """The log of the caller's workspace, newest first. Reading it is in it too, once an hour a reader."""

    actor_id: UUID | None = None
    action: Annotated[Text, Field(max_length=128)] | None = None
    target_id: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


LIST_AUDIT = Operation(ListAudit, AuditPage, called_by=[GATEWAY], refuses=[CursorIsNotValid], coalesced=False)


class ActionAudited(Audited):
    """An admin did something in identity: to members, roles, accounts or the workspace."""
