"""Scans, for the operator."""

from collections.abc import Callable
from dataclasses import dataclass

from services.attachments.repository.attachments import END
from services.attachments.repository.inspection import Inspection
from shared import cursors
from shared.contracts.attachments.attachments import AttachmentNotFound, ScanStatus
from shared.contracts.attachments.scans import ListScans, Rescan, Rescanned, Scan, ScannerIsAway, ScanPage, ShowScan

BATCH = 500  # files that one call has scanned again: so it answers in time, however many there are


@dataclass(frozen=True, slots=True)
class Operated:
    """signatures: by which clamd scans now; none while it is away."""

    inspection: Inspection
    signatures: Callable[[], str | None]


async def list_scans(request: ListScans, service: Operated) -> ScanPage:
    kind = f"scans:{request.status or 'all'}"
    before = END if request.cursor is None else cursors.decode(kind, request.cursor, cursors.MOMENT_AND_ID)
    statuses = [request.status] if request.status is not None else [*ScanStatus]
    found = await service.inspection.page(statuses, before, request.limit + 1)
    scans, more = found[: request.limit], len(found) > request.limit
    cursor = cursors.encode(kind, scans[-1].created_at, scans[-1].attachment_id) if more else None
    return ScanPage(scans=scans, has_more=more, next_cursor=cursor)


async def show_scan(request: ShowScan, service: Operated) -> Scan:
    scan = await service.inspection.get(request.attachment_id)
    if scan is None:
        raise AttachmentNotFound
    return scan


async def rescan(request: Rescan, service: Operated) -> Rescanned:
    files, asked_at = 0, request.asked_at or await service.inspection.now()
    if request.attachment_id is not None:
        if request.asked_at is None:  # the file may be deleted between batches; the others are scanned nonetheless
            await show_scan(ShowScan(attachment_id=request.attachment_id), service)
        files += await service.inspection.scan_same_bytes(request.attachment_id, asked_at, BATCH)
    if request.outdated:
        signatures = service.signatures()
        if signatures is None:
            raise ScannerIsAway
        files += await service.inspection.scan_outdated(signatures, BATCH)
    return Rescanned(files=files, asked_at=asked_at)
