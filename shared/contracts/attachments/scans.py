"""Scans, for the operator."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.attachments.attachments import AttachmentNotFound, ScanStatus
from shared.contracts.model import Request, Time, View
from shared.contracts.operations import OPERATOR, Operation
from shared.contracts.refusals import CursorIsNotValid, Unavailable


class Scan(View):
    """A file as the operator sees it."""

    attachment_id: UUID
    workspace_id: UUID
    thread_id: UUID
    filename: str
    size: int
    sha256: str
    scan_status: ScanStatus
    scan_result: str | None
    signatures: str | None
    attempts: int
    next_try_at: Time | None
    scanned_at: Time | None
    created_at: Time


class ScanPage(View):
    """Newest first."""

    scans: list[Scan]
    has_more: bool
    next_cursor: str | None


class ScannerIsAway(Unavailable):
    """clamd does not answer right now, and so nobody knows its signatures."""


class ListScans(Request):
    status: ScanStatus | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class ShowScan(Request):
    attachment_id: UUID


class Rescan(Request):
    """Scan again: all files of one's digest, or all that were scanned with other signatures than today's. A call takes so many of them,
    and one that answers none has left none.

    asked_at: as the first call answered it, so that the next ones have no file scanned twice.
    """

    attachment_id: UUID | None = None
    outdated: bool = False
    asked_at: Time | None = None


class Rescanned(View):
    files: int
    asked_at: Time


LIST_SCANS = Operation(ListScans, ScanPage, called_by=[OPERATOR], refuses=[CursorIsNotValid], anonymous=True, coalesced=False)
SHOW_SCAN = Operation(ShowScan, Scan, called_by=[OPERATOR], refuses=[AttachmentNotFound], anonymous=True)
RESCAN = Operation(Rescan, Rescanned, called_by=[OPERATOR], refuses=[AttachmentNotFound, ScannerIsAway], anonymous=True)
