"""Uploads that go on where they broke off: tus 1.0.0, with creation, expiration, checksums and termination."""

from typing import Protocol

import structlog

from services.gateway.arriving import Body
from services.gateway.replies import NoContent
from services.gateway.resuming import Resumption, go_on
from services.gateway.routing import RateClass, own_route
from services.gateway.settings import GatewaySettings
from services.gateway.transfers import Transfer, tus_route
from services.gateway.tus import UPLOAD, UPLOADS, Continued, Created, Described, Standing, continues, creates, deletes, looks
from shared.contracts.attachments.resumable import (
    CONTINUE_RESUMABLE_UPLOAD,
    CREATE_RESUMABLE_UPLOAD,
    DELETE_RESUMABLE_UPLOAD,
    GET_RESUMABLE_UPLOAD,
    ContinueResumableUpload,
    CreateResumableUpload,
    DeleteResumableUpload,
    GetResumableUpload,
    ResumableUpload,
)
from shared.contracts.attachments.uploads import FileIsTooLarge
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal

log = structlog.get_logger()


class Gateway(Protocol):
    """What these routes need of it."""

    settings: GatewaySettings


@own_route(UPLOADS, method="OPTIONS")
async def describe_uploads(gateway: Gateway) -> Described:
    """What of tus is spoken here."""
    return Described(gateway.settings.attachment_limit)


@own_route(UPLOAD, method="OPTIONS")
async def describe_upload(gateway: Gateway) -> Described:
    """The same, of one upload."""
    return Described(gateway.settings.attachment_limit)


@tus_route("POST", UPLOADS, CREATE_RESUMABLE_UPLOAD, creates, limit=RateClass.UPLOADS)
async def create_resumable_upload(request: CreateResumableUpload, caller: Principal, transfer: Transfer) -> Created:
    """Begin an upload that can be resumed for a day. `Upload-Metadata` has the `threadId`, and the `filename`."""
    if request.size > transfer.settings.attachment_limit:
        raise FileIsTooLarge
    answer = await transfer.call.answer(CREATE_RESUMABLE_UPLOAD, request, caller)
    upload = ResumableUpload.model_validate_json(answer.body)
    if upload.size == 0 and upload.attachment_id is None:
        upload = await _finished(upload, caller, transfer)
    return Created(upload, replayed=answer.kind == "replay")


@tus_route("HEAD", UPLOAD, GET_RESUMABLE_UPLOAD, looks)
async def get_resumable_upload(request: GetResumableUpload, caller: Principal, transfer: Transfer) -> Standing:
    """How far an upload has come. Once it is complete, `Content-Location` names the attachment, which has the upload's id."""
    return Standing(await transfer.call(GET_RESUMABLE_UPLOAD, request, caller))


@tus_route("PATCH", UPLOAD, CONTINUE_RESUMABLE_UPLOAD, continues)
async def continue_resumable_upload(request: ContinueResumableUpload, caller: Principal, transfer: Transfer) -> Continued:
    """Send bytes from the offset on. With the last of them, `Content-Location` names the attachment, which has the upload's id."""
    return await go_on(request, caller, transfer)


@tus_route("DELETE", UPLOAD, DELETE_RESUMABLE_UPLOAD, deletes)
async def delete_resumable_upload(request: DeleteResumableUpload, caller: Principal, transfer: Transfer) -> NoContent:
    """End an upload, and delete what came of it. The attachment that one became stays."""
    await transfer.call(DELETE_RESUMABLE_UPLOAD, request, caller)
    return NoContent()


async def _finished(upload: ResumableUpload, caller: Principal, transfer: Transfer) -> ResumableUpload:
    """One of no bytes. Where that fails there is no upload, as its offset would say that all has come."""
    resumption = Resumption(upload.id, caller, transfer)
    try:
        return await resumption.receive_nothing(upload, Body(transfer.exchange.receive, 0))
    except Refusal:
        await resumption.give_up()
        try:
            await transfer.call(DELETE_RESUMABLE_UPLOAD, DeleteResumableUpload(upload_id=upload.id), caller)
        except Refusal as refusal:
            log.warning("upload_left_to_expire", code=refusal.code, uploadId=upload.id)
        raise
