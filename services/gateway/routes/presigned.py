"""Files that clients put into the S3 server by themselves, over HTTP."""

from services.gateway.replies import Created
from services.gateway.routes.attachments import THREAD_ATTACHMENTS
from services.gateway.routing import Call, RateClass, route
from services.gateway.transfers import TAKEN, UPLOADS, failures_counted
from shared.contracts.attachments.attachments import Attachment
from shared.contracts.attachments.presigned import (
    BEGIN_PRESIGNED_UPLOAD,
    FINISH_PRESIGNED_UPLOAD,
    BeginPresignedUpload,
    FinishPresignedUpload,
    PresignedUpload,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal

PRESIGNED = f"{THREAD_ATTACHMENTS}/presigned"
FINISH = f"{PRESIGNED}/{{uploadId}}/finish"


@route("POST", PRESIGNED, BEGIN_PRESIGNED_UPLOAD, needs=Permission.FILE_UPLOAD, limit=RateClass.UPLOADS)
async def begin_presigned_upload(request: BeginPresignedUpload, caller: Principal, call: Call) -> Created[PresignedUpload]:
    """Get an address of the S3 server at which to put one file within 15 minutes. `Location` is where that is finished, within the hour."""
    with failures_counted():  # one that begins is counted by how it is finished
        answer = await call.answer(BEGIN_PRESIGNED_UPLOAD, request, caller)
    return Created(answer, at=FINISH.replace("{threadId}", str(request.thread_id)))


@route("POST", FINISH, FINISH_PRESIGNED_UPLOAD, needs=Permission.FILE_UPLOAD, slow=True)
async def finish_presigned_upload(request: FinishPresignedUpload, caller: Principal, call: Call) -> Created[Attachment]:
    """Make an attachment of what was put: it is compared with what was announced. Again, it answers the same."""
    with failures_counted():
        answer = await call.answer(FINISH_PRESIGNED_UPLOAD, request, caller)
    UPLOADS.labels(TAKEN).inc()
    return Created(answer, at="{url}")
