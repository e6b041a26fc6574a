"""Uploads that clients put into the store by themselves: announced, put, and then finished here.

An address may be used again until it is dead, so what is there is never served. It is copied to where no address leads, and the copy is
what is read, compared with what was announced, and kept.
"""

import structlog

from services.attachments import domain
from services.attachments.domain import Stored
from services.attachments.handlers.uploads import came, give_up
from services.attachments.media.kinds import sniff
from services.attachments.repository.staged import MadeAlready, Staged
from services.attachments.service import Service
from shared.contracts.attachments.attachments import Attachment
from shared.contracts.attachments.presigned import (
    BeginPresignedUpload,
    BytesHaveNotCome,
    DirectUploadsAreNotPossible,
    FileIsNotAsAnnounced,
    FinishPresignedUpload,
    PresignedUpload,
    UploadHasExpired,
)
from shared.contracts.attachments.uploads import FileIsTooLarge, UploadKind, UploadNotFound
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import FieldError
from shared.contracts.threads.access import Right
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed
from shared.store.store import ObjectIsMissing, StoreIsAway

log = structlog.get_logger()


async def begin_presigned_upload(
    request: BeginPresignedUpload, caller: Principal, service: Service
) -> PresignedUpload | Replayed[PresignedUpload]:
    await service.access(Right.POST, request.thread_id, caller)
    if request.size > service.limit:
        raise FileIsTooLarge
    if not service.store.reached_by_clients:
        raise DirectUploadsAreNotPossible
    try:
        return _addressed(await service.staged.begin(request, domain.filename(request.filename), caller), service)
    except MadeBefore as before:
        staged = await service.staged.open(before.uuid, request.thread_id, caller)
        if staged is None:
            raise UploadHasExpired from None
        return Replayed(_addressed(staged, service))


async def finish_presigned_upload(request: FinishPresignedUpload, caller: Principal, service: Service) -> Attachment | Replayed[Attachment]:
    """Again, and by several at once, it is one attachment: who waited for a turn finds what was made, and a try that comes too late,
    in another process, gives up its own copy."""
    await service.access(Right.POST, request.thread_id, caller)
    async with service.arrivals.turn(request.upload_id, caller.user_id):
        made = await service.staged.made(request, caller)
        if made is None:
            try:
                return _shown(await _finish(request, caller, service), caller)
            except MadeAlready:
                made = await service.staged.made(request, caller)
    if made is None:
        raise UploadNotFound
    return Replayed(_shown(made, caller))


async def _finish(request: FinishPresignedUpload, caller: Principal, service: Service) -> Stored:
    staged = await service.staged.open(request.upload_id, request.thread_id, caller)
    if staged is None:
        raise MadeAlready  # since it was looked for, or there is none
    await _check_size(staged, request, caller, service)
    copy = await service.uploads.begin(staged.thread_id, UploadKind.PRESIGNED, caller)
    try:
        arrival = await service.arrivals.copied(staged.storage_key, copy.storage_key, caller.user_id)
        await _check(staged, arrival.size, arrival.sha256, request, caller, service)
        status = domain.first_status(scanning=service.scanning)
        file = await service.staged.finish(request, copy.id, sniff(arrival.head), status, caller)
    except StoreIsAway:
        raise  # the copy may come yet, while its row is there
    except ObjectIsMissing:
        await give_up([copy.id], caller, service)
        raise await _gone(request, caller, service) from None
    except Exception:
        await give_up([copy.id], caller, service)
        raise
    came(file, caller, by="presigned")
    await _delete(staged, service)
    return file


async def _check_size(staged: Staged, request: FinishPresignedUpload, caller: Principal, service: Service) -> None:
    """Before any of it is copied."""
    size = await service.store.size(staged.storage_key)
    if size is None:
        raise await _gone(request, caller, service)
    await _check(staged, size, staged.sha256, request, caller, service)


async def _check(staged: Staged, size: int, sha256: bytes, request: FinishPresignedUpload, caller: Principal, service: Service) -> None:
    """Raises `FileIsNotAsAnnounced`, after which the upload is over."""
    wrong = []
    if size != staged.size:
        wrong.append(FieldError(field="size", code="differs", detail=f"{size} bytes were put, {staged.size} were announced."))
    if sha256 != staged.sha256:
        wrong.append(FieldError(field="sha256", code="differs", detail=f"What was put has {sha256.hex()}."))
    if not wrong:
        return
    if await service.staged.end(request, caller) is not None:
        raise MadeAlready
    await _delete(staged, service)
    raise FileIsNotAsAnnounced(errors=wrong)


async def _gone(request: FinishPresignedUpload, caller: Principal, service: Service) -> Exception:
    """Nothing is there: another may just have finished, and tidied up."""
    return BytesHaveNotCome() if await service.staged.made(request, caller) is None else MadeAlready()


async def _delete(staged: Staged, service: Service) -> None:
    """What cannot be deleted now, or is put again, is by and by (`sweep.py`)."""
    try:
        await service.store.delete(staged.storage_key)
    except StoreIsAway as away:
        log.warning("staged_upload_left_to_the_sweep", error=str(away.__cause__ or away))


def _addressed(staged: Staged, service: Service) -> PresignedUpload:
    seconds = int(staged.time_left.total_seconds())
    if seconds < 1:
        raise UploadHasExpired
    signed = service.store.presigned_put(staged.storage_key, staged.size, staged.sha256, seconds)
    if signed is None:
        raise DirectUploadsAreNotPossible
    return PresignedUpload(upload_id=staged.id, url=signed.url, headers=dict(signed.headers), expires_at=staged.put_until)


def _shown(file: Stored, caller: Principal) -> Attachment:
    return domain.view(file, inspects=caller.may(Permission.FILE_INSPECT))
