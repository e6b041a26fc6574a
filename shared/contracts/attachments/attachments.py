"""Attachments: stored files of threads and messages. Nobody reads one that was not scanned clean."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.model import Event, Nothing, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.principal import Role
from shared.contracts.refusals import Conflict, CursorIsNotValid, Forbidden, NotFound
from shared.contracts.threads.access import ThreadIsArchived, ThreadNotFound

FILENAME_LENGTH, TYPE_LENGTH = 512, 128  # characters (spec 1, collaboration_attachments)


class ScanStatus(StrEnum):
    """How far the scan of a file is. Only `clean` is served, and `unscanned` while scanning is off."""

    PENDING = "pending"
    SCANNING = "scanning"
    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"
    FAILED = "failed"
    UNSCANNED = "unscanned"


class Unreadable(StrEnum):
    """Why nothing is shown of a clean picture or sound, which is served all the same."""

    BROKEN = "broken"
    TOO_LARGE = "too_large"
    """More bytes, pixels or seconds than are read."""

    FAILED = "failed"
    """It took more time or memory than there is for one."""


class Attachment(View):
    """A file as its readers see it (API.md, Attachments).

    size: bytes. sha256: hexadecimal. scanResult: what was found, for agents and admins alone. voice: it was sent as a voice message.
    width, height, duration (seconds), waveform (a sound's peaks, 0 to 100): read from its bytes once those are clean, as the previews are;
    unreadable: why there are none.
    """

    id: UUID
    thread_id: UUID
    message_id: UUID | None
    filename: str
    url: str
    size: int
    mime_type: str
    sha256: str
    scan_status: ScanStatus
    scan_result: str | None
    voice: bool = False
    width: int | None
    height: int | None
    duration: float | None
    waveform: list[int] | None
    unreadable: Unreadable | None = None
    preview_available: bool
    thumbnail_url: str | None
    uploaded_by_id: UUID
    uploaded_by_role: Role
    uploaded_by_name: str | None
    created_at: Time


class AttachmentPage(View):
    """Newest first."""

    attachments: list[Attachment]
    has_more: bool
    next_cursor: str | None


class StoredFile(View):
    """Where the bytes of a file are, for the gateway, which streams them.

    etag: changes with the bytes. inline: it was asked to be shown, and its type is safe to be.
    """

    attachment_id: UUID
    storage_key: str
    filename: str
    mime_type: str
    size: int
    etag: str
    inline: bool


class AttachmentNotFound(NotFound):
    """There is no such attachment, or it is not yours to see."""


class AttachmentIsNotClean(Conflict):
    """The file is not served: its scan is not done, or did not find it clean. `scanStatus` says which."""


class PreviewIsNotThere(NotFound):
    """This file has no preview."""


class NotTheUploader(Forbidden):
    """Only its uploader may do this to an attachment."""


class ListAttachments(Request):
    """The files of a thread that the caller may see, and the caller's own that are in no message yet."""

    thread_id: UUID
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class Disposition(StrEnum):
    """What a browser does with a file (RFC 6266): it saves it, or shows it where its type is safe to be shown."""

    ATTACHMENT = "attachment"
    INLINE = "inline"


class OpenAttachment(Request):
    """Let the caller read a file's bytes: asked for every download."""

    attachment_id: UUID
    disposition: Disposition = Disposition.ATTACHMENT


class OpenPreview(Request):
    """Let the caller see a picture made small: the narrowest that is at least as wide and as high. Without either, a thumbnail."""

    attachment_id: UUID
    width: Annotated[int, Field(ge=1, le=4_096)] | None = None
    height: Annotated[int, Field(ge=1, le=4_096)] | None = None


class DeleteAttachment(Request):
    """Take a file away from its readers; again changes nothing."""

    attachment_id: UUID


LIST_ATTACHMENTS = Operation(
    ListAttachments, AttachmentPage, called_by=[GATEWAY], refuses=[ThreadNotFound, CursorIsNotValid], coalesced=False
)
OPEN_ATTACHMENT = Operation(OpenAttachment, StoredFile, called_by=[GATEWAY], refuses=[AttachmentNotFound, AttachmentIsNotClean])
OPEN_PREVIEW = Operation(
    OpenPreview, StoredFile, called_by=[GATEWAY], refuses=[AttachmentNotFound, AttachmentIsNotClean, PreviewIsNotThere]
)
DELETE_ATTACHMENT = Operation(
    DeleteAttachment, Nothing, called_by=[GATEWAY], refuses=[AttachmentNotFound, NotTheUploader, ThreadIsArchived]
)


class Change(StrEnum):
    """What happened to a file. previewed: what is shown of it was read, or could not be."""

    UPLOADED = "uploaded"
    SCANNED = "scanned"
    PREVIEWED = "previewed"
    DELETED = "deleted"


class AttachmentChanged(Event):
    """A file of a message that everyone in the thread sees came, went on in its scan, or went.

    posted_at: when its message was, which says who may see it; None while it is in none.
    """

    change: Change
    attachment: Attachment
    posted_at: Time | None = None


class NoteAttachmentChanged(AttachmentChanged):
    """The same of a note's file, which is for those who see notes."""


class GuardedAttachmentChanged(AttachmentChanged):
    """The same of a file that guests do not see."""


class OwnAttachmentChanged(AttachmentChanged):
    """The same of a file that is in no message yet, which is its uploader's alone."""
