"""Uploads that go on where they broke off (tus 1.0.0 over HTTP). Bytes come in parts; a part counts once it is in the store, durably."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.contracts.attachments.uploads import (
    HEAD_BYTES,
    LONGEST_NAME,
    Digest,
    FileIsTooLarge,
    Upload,
    UploadNotFound,
)
from shared.contracts.model import Nothing, Request, Text, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import Conflict, RequestIsInvalid
from shared.contracts.threads.access import ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound

LIFE = timedelta(hours=24)  # of an upload, from its beginning
MOST_UNFINISHED = 20  # that one user may have
MOST_PARTS = 5_000  # of one upload
LONGEST_METADATA = 8 * 1024  # characters, as they are sent


class UploadOffsetIsAnother(Conflict):
    """The upload goes on at another offset, or another request goes on with it already; HEAD says where it is."""


class UploadIsBeingFinished(Conflict):
    """All of the upload has come and is being put together; HEAD says whether it is complete."""


class UploadHasTooManyParts(Conflict):
    """The upload came in too many parts to go on, or too many of them are under way at once. Send larger ones, one after the other."""


class TooManyUnfinishedUploads(Conflict):
    """You have as many unfinished uploads, or bytes in them, as one may have. Finish or delete one; what is left alone expires in a day."""


class ResumableUpload(View):
    """How far an upload is. `metadata` is as its client sent it; `attachmentId` is there once the upload is complete, and is its id."""

    id: UUID
    thread_id: UUID
    size: int
    offset: int
    metadata: str
    expires_at: Time
    attachment_id: UUID | None = None


class CreateResumableUpload(Request):
    """Begin an upload of so many bytes for a thread that the caller may post in.

    filename: as the client said it.
    """

    thread_id: UUID
    filename: Annotated[str, Field(max_length=LONGEST_NAME)]
    size: Annotated[int, Field(ge=0)]
    metadata: Annotated[Text, Field(max_length=LONGEST_METADATA)] = ""


class GetResumableUpload(Request):
    """How far an upload of the caller's is."""

    upload_id: UUID


class DeleteResumableUpload(Request):
    """End an upload; what came of it is deleted. The attachment that one became stays."""

    upload_id: UUID


class ContinueResumableUpload(Request):
    """A place for the next part of an upload that has come to this offset. Whoever had one before loses it.

    after: the part that this one follows in the same request, where nobody has gone on with the upload since.
    """

    upload_id: UUID
    offset: Annotated[int, Field(ge=0)]
    after: UUID | None = None


class UploadPart(View):
    """`place`: for the next part; none where the upload is complete."""

    upload: ResumableUpload
    place: Upload | None


class KeepPart(Request):
    """A part, not the last, is in the store, durably: it counts from now on."""

    upload_id: UUID
    part_id: UUID
    size: Annotated[int, Field(ge=1)]


class JoinParts(Request):
    """A place for the whole, now that the last part is in the store as well. Nobody else goes on with the upload meanwhile."""

    upload_id: UUID
    part_id: UUID
    size: Annotated[int, Field(ge=1)]


class JoinedParts(View):
    """`keys`: of all parts, in their order. `seconds`: in which they are put together, or the upload is free again."""

    place: Upload
    keys: list[str]
    seconds: float


class CompleteResumableUpload(Request):
    """Make an attachment of an upload whose bytes are all in the store under the key of `wholeId`, durably; it has the upload's id.

    Again, it answers what was made. part_id: the last part's; one that is all of it is the whole itself.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    upload_id: UUID
    part_id: UUID
    whole_id: UUID
    head: Annotated[bytes, Field(max_length=HEAD_BYTES)]
    sha256: Digest


_THREAD = [ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou]

CREATE_RESUMABLE_UPLOAD = Operation(
    CreateResumableUpload,
    ResumableUpload,
    called_by=[GATEWAY],
    refuses=[ThreadNotFound, *_THREAD, UploadNotFound, TooManyUnfinishedUploads, FileIsTooLarge, RequestIsInvalid],
    keyed=True,
)
GET_RESUMABLE_UPLOAD = Operation(GetResumableUpload, ResumableUpload, called_by=[GATEWAY], refuses=[UploadNotFound])
DELETE_RESUMABLE_UPLOAD = Operation(DeleteResumableUpload, Nothing, called_by=[GATEWAY], refuses=[UploadNotFound])
CONTINUE_RESUMABLE_UPLOAD = Operation(
    ContinueResumableUpload,
    UploadPart,
    called_by=[GATEWAY],
    refuses=[UploadNotFound, *_THREAD, UploadOffsetIsAnother, UploadIsBeingFinished, UploadHasTooManyParts],
)
KEEP_PART = Operation(KeepPart, ResumableUpload, called_by=[GATEWAY], refuses=[UploadNotFound, UploadOffsetIsAnother])
JOIN_PARTS = Operation(JoinParts, JoinedParts, called_by=[GATEWAY], refuses=[UploadNotFound, UploadOffsetIsAnother], coalesced=False)
COMPLETE_RESUMABLE_UPLOAD = Operation(
    CompleteResumableUpload, ResumableUpload, called_by=[GATEWAY], refuses=[UploadNotFound, *_THREAD, UploadOffsetIsAnother]
)
