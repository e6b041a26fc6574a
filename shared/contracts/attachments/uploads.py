"""Uploads: bytes that are on their way into the store. The gateway streams them; the service knows of each object before it is there."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.contracts.attachments.attachments import Attachment, AttachmentNotFound
from shared.contracts.model import Nothing, Request, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import Invalid, NotFound, RequestIsInvalid, TooLarge
from shared.contracts.threads.access import ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound

MOST_FILES = 10  # of one upload
HEAD_BYTES = 4 * 1024  # of a file, by which its type is told
LONGEST_NAME = 8 * 1024  # characters that a form or an upload that is resumed may say: names are cut
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class UploadKind(StrEnum):
    FORM = "form"
    VOICE = "voice"
    TUS = "tus"
    PRESIGNED = "presigned"


class FileIsTooLarge(TooLarge):
    """The file is larger than ATRIUM_ATTACHMENT_LIMIT; `/api/limits` says how large it may be."""


class UploadNotFound(NotFound):
    """There is no such upload, or it has expired."""


class FileIsMissing(Invalid):
    """The form has no part named `file` that is a file with a name."""


class FileIsNotASound(Invalid):
    """A voice message is WebM, Ogg, MP4, MP3 or WAV, and sound alone. By its bytes, this file is none of these."""


class Upload(View):
    """A place for one file's bytes. `storageKey` is for the gateway alone."""

    id: UUID
    storage_key: str


class BeginUpload(Request):
    """A place in the store for one file of a thread, for those who may post there."""

    thread_id: UUID
    kind: UploadKind = UploadKind.FORM


class Received(Request):
    """What came: the bytes are in the store, durably.

    filename: as the client said it. head: how the file begins; its type is told by that, never by the client.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    upload_id: UUID
    filename: Annotated[str, Field(max_length=LONGEST_NAME)]
    head: Annotated[bytes, Field(max_length=HEAD_BYTES)]
    size: Annotated[int, Field(ge=0)]
    sha256: Digest


class FinishUploads(Request):
    """Make attachments of uploads, all or none; each has its upload's id. Again by the same caller, it answers what was made."""

    thread_id: UUID
    files: Annotated[list[Received], Field(min_length=1, max_length=MOST_FILES)]


class FinishVoice(FinishUploads):
    """Make a voice message's file of an upload: a sound, by its bytes. It is posted as any file is."""

    files: Annotated[list[Received], Field(min_length=1, max_length=1)]


class AbortUploads(Request):
    """Forget uploads whose bytes did not come; their objects are deleted."""

    upload_ids: Annotated[list[UUID], Field(max_length=MOST_FILES)]


class Attachments(View):
    """In the order asked."""

    attachments: list[Attachment]


THREAD_REFUSALS = [ThreadNotFound, ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou]

_FILES = [*THREAD_REFUSALS, UploadNotFound, AttachmentNotFound, FileIsMissing, FileIsTooLarge, RequestIsInvalid]

BEGIN_UPLOAD = Operation(BeginUpload, Upload, called_by=[GATEWAY], refuses=THREAD_REFUSALS)
FINISH_UPLOADS = Operation(FinishUploads, Attachments, called_by=[GATEWAY], refuses=_FILES, keyed=True)
FINISH_VOICE = Operation(FinishVoice, Attachment, called_by=[GATEWAY], refuses=[*_FILES, FileIsNotASound], keyed=True)
ABORT_UPLOADS = Operation(AbortUploads, Nothing, called_by=[GATEWAY])
