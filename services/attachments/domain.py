"""The rules of attachments: no I/O, no clock, no SQL."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from uuid import UUID

from services.attachments.media.contents import fitting
from services.attachments.media.kinds import INLINE
from shared.contracts.attachments.attachments import (
    FILENAME_LENGTH,
    Attachment,
    AttachmentChanged,
    AttachmentIsNotClean,
    Change,
    Disposition,
    GuardedAttachmentChanged,
    NoteAttachmentChanged,
    OwnAttachmentChanged,
    PreviewIsNotThere,
    ScanStatus,
    StoredFile,
    Unreadable,
)
from shared.contracts.principal import Role
from shared.contracts.refusals import FieldError
from shared.contracts.threads.access import Access

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
NAMELESS = "file"
LONGEST_EXTENSION = 32
THUMBNAIL_WIDTH = 320

USABLE = frozenset({ScanStatus.PENDING, ScanStatus.SCANNING, ScanStatus.CLEAN, ScanStatus.UNSCANNED})
"""What a message may carry: what was not, or not yet, found to be unfit for reading."""

_PATH = re.compile(r"[/\\]")
# Marks that turn the direction of what is shown around them: photo<RLO>gnp.exe is seen as photoexe.png.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_NEVER_SHOWN = {"Cc", "Cs", "Zl", "Zp"}


class HiddenFrom(IntEnum):
    """Who cannot see a message and its files, as messages stores it."""

    NOBODY = 0
    THOSE_WITHOUT_NOTES = 1
    GUESTS = 2


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it is stored. message_id: of the message that was posted with it. claimed_at: when a message first asked for it."""

    id: UUID
    workspace_id: UUID
    thread_id: UUID
    message_id: UUID | None
    hidden_from: HiddenFrom
    claimed_at: datetime | None
    posted_at: datetime | None
    filename: str
    mime_type: str
    size: int
    sha256: bytes
    storage_key: str
    uploaded_by_id: UUID
    uploaded_by_role: Role
    uploaded_by_name: str | None
    voice: bool
    scan_status: ScanStatus
    scan_result: str | None
    width: int | None
    height: int | None
    duration: float | None
    waveform: list[int] | None
    unreadable: Unreadable | None
    preview_widths: Sequence[int]
    version: int
    created_at: datetime
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A file whose bytes are in the store, and that is no attachment yet."""

    id: UUID
    filename: str
    mime_type: str
    size: int
    sha256: bytes
    voice: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What one reader sees of the files of a thread's messages. What was posted before `since` is hidden from them."""

    hidden_from: list[int]
    since: datetime


def sight(access: Access) -> Sight:
    kinds = [HiddenFrom.NOBODY]
    if access.notes:
        kinds.append(HiddenFrom.THOSE_WITHOUT_NOTES)
    if not access.hidden_robots:
        kinds.append(HiddenFrom.GUESTS)
    return Sight([int(kind) for kind in kinds], access.seen_from or BEGINNING)


def filename(said: str) -> str:
    """What a client calls its file, as a name and nothing else: no path, no line break, nothing that turns what is shown."""
    last = _PATH.split(said)[-1]
    shown = "".join(each for each in last if unicodedata.category(each) not in _NEVER_SHOWN and each not in _TURNING)
    name = unicodedata.normalize("NFC", shown).strip().rstrip(". ")
    return _cut(name) or NAMELESS


def _cut(name: str) -> str:
    """To the length that is kept, with its extension."""
    if len(name) <= FILENAME_LENGTH:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > LONGEST_EXTENSION:
        return name[:FILENAME_LENGTH]
    return stem[: FILENAME_LENGTH - len(extension) - 1] + dot + extension


def voice_name(said: str, kind: str) -> str:
    """Browsers call what they have recorded `blob`."""
    name = filename(said)
    return f"voice.{_EXTENSIONS[kind]}" if name in ("blob", NAMELESS) else name


_EXTENSIONS = {"audio/webm": "webm", "audio/ogg": "ogg", "audio/mp4": "m4a", "audio/mpeg": "mp3", "audio/wav": "wav"}


def first_status(*, scanning: bool) -> ScanStatus:
    return ScanStatus.PENDING if scanning else ScanStatus.UNSCANNED


def check_served(file: Stored, *, scanning: bool) -> None:
    """The one place that decides which bytes are served. Raises `AttachmentIsNotClean`."""
    served = {ScanStatus.CLEAN} if scanning else {ScanStatus.CLEAN, ScanStatus.UNSCANNED}
    if file.scan_status not in served:
        detail = "Files are served once they are scanned and found clean."
        raise AttachmentIsNotClean(errors=[FieldError(field="scanStatus", code=file.scan_status, detail=detail)])


def stored_file(file: Stored, disposition: Disposition) -> StoredFile:
    return StoredFile(
        attachment_id=file.id,
        storage_key=file.storage_key,
        filename=file.filename,
        mime_type=file.mime_type,
        size=file.size,
        etag=file.sha256.hex(),
        inline=disposition is Disposition.INLINE and file.mime_type in INLINE,
    )


def preview_width(file: Stored, width: int | None, height: int | None) -> int:
    """The narrowest preview that is at least as wide and as high, or the widest there is. Raises `PreviewIsNotThere`."""
    if width is None and height is None:
        width = THUMBNAIL_WIDTH
    there = sorted(file.preview_widths)
    if not there:
        raise PreviewIsNotThere
    return next((wide for wide in there if wide >= (width or 1) and _height(file, wide) >= (height or 1)), there[-1])


def _height(file: Stored, wide: int) -> int:
    """Of the preview of this width."""
    return fitting(file.width or 1, file.height or 1, wide)[1]


def view(file: Stored, *, inspects: bool = False) -> Attachment:
    """The file as its readers see it. inspects: what the scan found is told, too."""
    path = f"/api/collab/attachments/{file.id}"
    return Attachment(
        id=file.id,
        thread_id=file.thread_id,
        message_id=file.message_id,
        filename=file.filename,
        url=path,
        size=file.size,
        mime_type=file.mime_type,
        sha256=file.sha256.hex(),
        scan_status=file.scan_status,
        scan_result=file.scan_result if inspects else None,
        voice=file.voice,
        width=file.width,
        height=file.height,
        duration=file.duration,
        waveform=file.waveform,
        unreadable=file.unreadable,
        preview_available=bool(file.preview_widths),
        thumbnail_url=f"{path}/preview?width={THUMBNAIL_WIDTH}" if file.preview_widths else None,
        uploaded_by_id=file.uploaded_by_id,
        uploaded_by_role=file.uploaded_by_role,
        uploaded_by_name=file.uploaded_by_name,
        created_at=file.created_at,
    )


_FOR = {
    HiddenFrom.NOBODY: AttachmentChanged,
    HiddenFrom.THOSE_WITHOUT_NOTES: NoteAttachmentChanged,
    HiddenFrom.GUESTS: GuardedAttachmentChanged,
}


def changed(file: Stored, change: Change) -> AttachmentChanged:
    """What is said of a change, by the name that those hear who may see the file."""
    said = OwnAttachmentChanged if file.posted_at is None else _FOR[file.hidden_from]
    return said(entity_id=file.id, version=file.version, change=change, attachment=view(file), posted_at=file.posted_at)
