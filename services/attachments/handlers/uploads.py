"""Uploads: a place for the bytes, and attachments of what came."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import structlog
from prometheus_client import Histogram

from services.attachments import domain
from services.attachments.media.kinds import sniff, sniff_sound
from services.attachments.repository.uploads import Place
from services.attachments.service import Service
from shared.contracts.attachments.attachments import Attachment, AttachmentNotFound
from shared.contracts.attachments.uploads import (
    AbortUploads,
    Attachments,
    BeginUpload,
    FileIsNotASound,
    FileIsTooLarge,
    FinishUploads,
    FinishVoice,
    Received,
    Upload,
)
from shared.contracts.model import Nothing
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.threads.access import Right
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed
from shared.store.store import StoreIsAway

log = structlog.get_logger()

UPLOAD_BYTES = Histogram(
    "attachment_upload_size_bytes", "Files that were uploaded, by their size.", buckets=[4**power for power in range(5, 16)]
)


async def begin_upload(request: BeginUpload, caller: Principal, service: Service) -> Upload:
    await service.access(Right.POST, request.thread_id, caller)
    return await service.uploads.begin(request.thread_id, request.kind, caller)


async def finish_uploads(request: FinishUploads, caller: Principal, service: Service) -> Attachments | Replayed[Attachments]:
    await service.access(Right.POST, request.thread_id, caller)
    return await _finish(request, [_draft(file, service) for file in request.files], caller, service)


async def finish_voice(request: FinishVoice, caller: Principal, service: Service) -> Attachment | Replayed[Attachment]:
    """What it sounds like is read once it was scanned, as of any sound (`previews.py`)."""
    await service.access(Right.POST, request.thread_id, caller)
    made = await _finish(request, [_voice(file, service) for file in request.files], caller, service)
    return Replayed(made.reply.attachments[0]) if isinstance(made, Replayed) else made.attachments[0]


async def _finish(
    request: FinishUploads, drafts: Sequence[domain.Draft], caller: Principal, service: Service
) -> Attachments | Replayed[Attachments]:
    try:
        finished = await service.uploads.finish(request, drafts, domain.first_status(scanning=service.scanning), caller)
    except MadeBefore as before:
        return Replayed(await _made_before(before, request, caller, service))
    if finished.made_now:
        for file in finished.files:
            came(file, caller)
    return _shown(finished.files, caller)


async def abort_uploads(request: AbortUploads, caller: Principal, service: Service) -> Nothing:
    await give_up([*request.upload_ids], caller, service)
    return Nothing()


async def _made_before(before: MadeBefore, request: FinishUploads, caller: Principal, service: Service) -> Attachments:
    """What the same request made the first time; what came again is not kept. Raises `AttachmentNotFound` where some is deleted."""
    await give_up([file.upload_id for file in request.files], caller, service)
    made = [UUID(identifier) for identifier in before.thing_id.split()]
    files = await service.uploads.made(request.thread_id, made, caller)
    if len(files) < len(made):
        raise AttachmentNotFound
    return _shown(files, caller)


async def give_up(upload_ids: Sequence[UUID], caller: Principal, service: Service) -> None:
    """What cannot be deleted now is by and by (`sweep.py`)."""
    await let_go(await service.uploads.give_up(upload_ids, caller), caller, service)


async def let_go(places: Sequence[Place], caller: Principal, service: Service) -> None:
    """Delete objects, and then forget them."""
    try:
        await service.store.delete(*(place.storage_key for place in places))
        await service.uploads.forget([place.upload_id for place in places], caller)
    except (StoreIsAway, ServiceIsUnavailable) as away:
        log.warning("upload_left_to_the_sweep", error=str(away.__cause__), count=len(places))


def came(file: domain.Stored, caller: Principal, **more: str) -> None:
    """Measure and log an attachment that was made. more: for the log."""
    UPLOAD_BYTES.observe(file.size)
    log.info("attachment_uploaded", threadId=file.thread_id, attachmentId=file.id, userId=caller.user_id, size=file.size, **more)


def _draft(file: Received, service: Service) -> domain.Draft:
    if file.size > service.limit:
        raise FileIsTooLarge
    return domain.Draft(file.upload_id, domain.filename(file.filename), sniff(file.head), file.size, bytes.fromhex(file.sha256))


def _voice(file: Received, service: Service) -> domain.Draft:
    kind = sniff_sound(file.head)
    if kind is None:
        raise FileIsNotASound
    return replace(_draft(file, service), filename=domain.voice_name(file.filename, kind), mime_type=kind, voice=True)


def _shown(files: Sequence[domain.Stored], caller: Principal) -> Attachments:
    inspects = caller.may(Permission.FILE_INSPECT)
    return Attachments(attachments=[domain.view(file, inspects=inspects) for file in files])
