"""Uploads that go on where they broke off: begun, gone on with, put together, ended."""

from uuid import UUID

import structlog

from services.attachments import domain, resumption
from services.attachments.handlers.uploads import came, let_go
from services.attachments.media.kinds import sniff
from services.attachments.service import Service
from shared.contracts.attachments.resumable import (
    CompleteResumableUpload,
    ContinueResumableUpload,
    CreateResumableUpload,
    DeleteResumableUpload,
    GetResumableUpload,
    JoinedParts,
    JoinParts,
    KeepPart,
    ResumableUpload,
    UploadPart,
)
from shared.contracts.attachments.uploads import FileIsTooLarge, UploadNotFound
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.threads.access import Right, ThreadNotFound
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed

log = structlog.get_logger()

AT_ONCE = 100  # parts that are deleted with their upload; more of them are by and by


async def create_resumable_upload(
    request: CreateResumableUpload, caller: Principal, service: Service
) -> ResumableUpload | Replayed[ResumableUpload]:
    await service.access(Right.POST, request.thread_id, caller)
    if request.size > service.limit:
        raise FileIsTooLarge
    try:
        upload = await service.resumable.create(request, domain.filename(request.filename), service.limit, caller)
    except MadeBefore as before:
        return Replayed(resumption.unfinished_view(await service.resumable.get(before.uuid, caller)))
    log.info("upload_begun", threadId=upload.thread_id, uploadId=upload.id, userId=caller.user_id, size=upload.size)
    return resumption.unfinished_view(upload)


async def get_resumable_upload(request: GetResumableUpload, caller: Principal, service: Service) -> ResumableUpload:
    return resumption.view(await _own(request.upload_id, Right.READ, caller, service))


async def continue_resumable_upload(request: ContinueResumableUpload, caller: Principal, service: Service) -> UploadPart:
    await _own(request.upload_id, Right.POST, caller, service)
    upload, place = await service.resumable.place(request, caller)
    return UploadPart(upload=resumption.unfinished_view(upload), place=place)


async def keep_part(request: KeepPart, caller: Principal, service: Service) -> ResumableUpload:
    return resumption.view(await service.resumable.keep(request, caller))


async def join_parts(request: JoinParts, caller: Principal, service: Service) -> JoinedParts:
    joined = await service.resumable.join(request, caller)
    return JoinedParts(place=joined.place, keys=joined.keys, seconds=joined.seconds)


async def complete_resumable_upload(request: CompleteResumableUpload, caller: Principal, service: Service) -> ResumableUpload:
    upload = await _own(request.upload_id, Right.POST, caller, service)
    draft = domain.Draft(upload.id, upload.filename, sniff(request.head), upload.size, bytes.fromhex(request.sha256))
    completed = await service.resumable.complete(request, draft, domain.first_status(scanning=service.scanning), caller)
    if completed.made is not None:
        came(completed.made, caller)
    return resumption.view(completed.upload)


async def delete_resumable_upload(request: DeleteResumableUpload, caller: Principal, service: Service) -> Nothing:
    places = await service.resumable.delete(request.upload_id, caller)
    await let_go(places[:AT_ONCE], caller, service)
    return Nothing()


async def _own(upload_id: UUID, right: Right, caller: Principal, service: Service) -> resumption.Resumable:
    """Whoever has begun an upload may have been removed from its thread since. Raises `UploadNotFound` then."""
    upload = await service.resumable.get(upload_id, caller)
    try:
        await service.access(right, upload.thread_id, caller)
    except ThreadNotFound:
        raise UploadNotFound from None
    return upload
