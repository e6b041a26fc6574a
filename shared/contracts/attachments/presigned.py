"""Uploads that pass the gateway by: a client puts the bytes into the S3 server itself, at an address that is good for them alone."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.contracts.attachments.attachments import FILENAME_LENGTH, Attachment
from shared.contracts.attachments.uploads import THREAD_REFUSALS, Digest, FileIsTooLarge, UploadNotFound
from shared.contracts.model import Request, Text, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import Conflict, Invalid, RequestIsInvalid

PUT_WITHIN = timedelta(minutes=15)
FINISH_WITHIN = timedelta(hours=1)
PATIENCE = 15 * 60.0  # seconds that finishing may take: all of the bytes are copied and read


class PresignedUpload(View):
    """Where one file's bytes are put by a request of this method with these headers, which has to begin before `expiresAt`."""

    upload_id: UUID
    url: str
    method: Literal["PUT"] = "PUT"
    headers: dict[str, str]
    expires_at: Time


class DirectUploadsAreNotPossible(Conflict):
    """Files are kept where clients cannot put them by themselves. Upload them by a form, or resumably."""


class UploadHasExpired(Conflict):
    """The upload that this key began has expired. Begin anew, with another key."""


class BytesHaveNotCome(Conflict):
    """Nothing has been put at this upload's address yet. Put the bytes there, then finish."""


class FileIsNotAsAnnounced(Invalid):
    """What was put is not the file that was announced: `errors` says what differs. Nothing of it is kept; begin anew."""


class BeginPresignedUpload(Request):
    """An address for the bytes of one file of a thread, for those who may post there. They are announced by size and SHA-256."""

    thread_id: UUID
    filename: Annotated[Text, StringConstraints(max_length=FILENAME_LENGTH)]
    size: Annotated[int, Field(ge=0, lt=1 << 63)]
    sha256: Digest


class FinishPresignedUpload(Request):
    """Make an attachment of what was put. Again by the same caller, it answers what was made."""

    thread_id: UUID
    upload_id: UUID


BEGIN_PRESIGNED_UPLOAD = Operation(
    BeginPresignedUpload,
    PresignedUpload,
    called_by=[GATEWAY],
    refuses=[*THREAD_REFUSALS, UploadHasExpired, DirectUploadsAreNotPossible, FileIsTooLarge, RequestIsInvalid],
    keyed=True,
)
FINISH_PRESIGNED_UPLOAD = Operation(
    FinishPresignedUpload,
    Attachment,
    called_by=[GATEWAY],
    refuses=[*THREAD_REFUSALS, UploadNotFound, BytesHaveNotCome, FileIsNotAsAnnounced],
    coalesced=False,
    keyed=True,
    timeout=PATIENCE,
)
