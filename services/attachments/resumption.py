"""The rules of uploads that go on where they broke off: no I/O, no clock, no SQL."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.attachments.resumable import (
    MOST_PARTS,
    MOST_UNFINISHED,
    ResumableUpload,
    TooManyUnfinishedUploads,
    UploadHasTooManyParts,
    UploadIsBeingFinished,
    UploadOffsetIsAnother,
)
from shared.contracts.attachments.uploads import UploadNotFound

MOST_FILES_OF_BYTES = 10  # unfinished uploads of one user have the bytes of so many of the largest files: as one form
MOST_UNDER_WAY = 8  # parts of one upload; more than one are there after broken connections
_SLOWEST, _LEAST = 4 * 1024 * 1024, 60.0  # bytes a second, and seconds at least, that putting parts together takes


@dataclass(frozen=True, slots=True)
class Resumable:
    """An upload. lease: the part that may be added next, or was added last. is_finishing: its sender puts all parts together."""

    id: UUID
    thread_id: UUID
    filename: str
    metadata: str
    size: int
    received: int
    parts: int
    lease: UUID | None
    is_finishing: bool
    is_complete: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What one user has begun."""

    uploads: int
    size: int


def check_begins(size: int, unfinished: Unfinished, limit: int) -> None:
    """The store cannot be filled by what is never finished. Raises `TooManyUnfinishedUploads`."""
    if unfinished.uploads >= MOST_UNFINISHED or unfinished.size + size > MOST_FILES_OF_BYTES * limit:
        raise TooManyUnfinishedUploads


def check_goes_on(upload: Resumable, offset: int, after: UUID | None, under_way: int) -> None:
    """Raises `UploadIsBeingFinished`, `UploadOffsetIsAnother`, `UploadHasTooManyParts`."""
    if upload.is_finishing:
        raise UploadIsBeingFinished(retry_after=1)
    if upload.received != offset or (after is not None and upload.lease != after):
        raise UploadOffsetIsAnother
    if not upload.is_complete and (upload.parts >= MOST_PARTS or under_way >= MOST_UNDER_WAY):
        raise UploadHasTooManyParts


def check_is_next(upload: Resumable, part_id: UUID) -> None:
    """Whoever goes on with an upload takes the place of whom the connection may have left behind. Raises `UploadOffsetIsAnother`."""
    if upload.lease != part_id:
        raise UploadOffsetIsAnother


def check_is_within(upload: Resumable, part_size: int) -> None:
    """All but the last part end before the end. Raises `UploadOffsetIsAnother`."""
    if upload.received + part_size >= upload.size:
        raise UploadOffsetIsAnother


def check_is_last(upload: Resumable, part_size: int) -> None:
    """Raises `UploadOffsetIsAnother`."""
    if upload.received + part_size != upload.size:
        raise UploadOffsetIsAnother


def seconds_to_join(size: int) -> float:
    return _LEAST + size / _SLOWEST


def view(upload: Resumable) -> ResumableUpload:
    """Raises `UploadNotFound` for one of no bytes that is not finished: its offset would say that it were."""
    if upload.size == 0 and not upload.is_complete:
        raise UploadNotFound
    return unfinished_view(upload)


def unfinished_view(upload: Resumable) -> ResumableUpload:
    """For whoever is about to finish it."""
    return ResumableUpload(
        id=upload.id,
        thread_id=upload.thread_id,
        size=upload.size,
        offset=upload.received,
        metadata=upload.metadata,
        expires_at=upload.expires_at,
        attachment_id=upload.id if upload.is_complete else None,
    )
