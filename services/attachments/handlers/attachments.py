"""Attachments as their readers get them: a thread's, the bytes of one, a link to them; and how they go."""

import structlog

from services.attachments import domain
from services.attachments.repository.attachments import END
from services.attachments.service import Service, Standing
from services.attachments.sweep import preview_key
from shared import cursors
from shared.contracts.attachments.attachments import (
    AttachmentNotFound,
    AttachmentPage,
    DeleteAttachment,
    ListAttachments,
    NotTheUploader,
    OpenAttachment,
    OpenPreview,
    PreviewIsNotThere,
    StoredFile,
)
from shared.contracts.attachments.links import Link, LinkAttachment, LinkNotFound, OpenLink
from shared.contracts.model import Nothing
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.threads.access import Right, State, ThreadIsArchived, ThreadNotFound

log = structlog.get_logger()

PREVIEW_TYPE = "image/webp"


async def list_attachments(request: ListAttachments, caller: Principal, service: Service) -> AttachmentPage:
    access = await service.access(Right.READ, request.thread_id, caller)
    kind = f"attachments:{request.thread_id}"
    before = END if request.cursor is None else cursors.decode(kind, request.cursor, cursors.MOMENT_AND_ID)
    page = await service.attachments.page(request.thread_id, before, request.limit, domain.sight(access), caller)
    inspects = caller.may(Permission.FILE_INSPECT)
    return AttachmentPage(
        attachments=[domain.view(file, inspects=inspects) for file in page.files],
        has_more=page.more,
        next_cursor=cursors.encode(kind, page.files[-1].created_at, page.files[-1].id) if page.more else None,
    )


async def open_attachment(request: OpenAttachment, caller: Principal, service: Service) -> StoredFile:
    file = await service.readable(request.attachment_id, caller)
    domain.check_served(file, scanning=service.scanning)
    return domain.stored_file(file, request.disposition)


async def open_preview(request: OpenPreview, caller: Principal, service: Service) -> StoredFile:
    file = await service.readable(request.attachment_id, caller)
    domain.check_served(file, scanning=service.scanning)
    width = domain.preview_width(file, request.width, request.height)
    key = preview_key(file.id, width)
    size = await service.store.size(key)
    if size is None:
        raise PreviewIsNotThere
    return StoredFile(
        attachment_id=file.id,
        storage_key=key,
        filename=f"{file.filename}.webp",
        mime_type=PREVIEW_TYPE,
        size=size,
        etag=f"{file.sha256.hex()}-{width}",
        inline=True,
    )


async def link_attachment(request: LinkAttachment, caller: Principal, service: Service) -> Link:
    file = await service.readable(request.attachment_id, caller)
    domain.check_served(file, scanning=service.scanning)
    token = await service.links.make(file.id, caller)
    log.info("attachment_linked", threadId=file.thread_id, attachmentId=file.id, userId=caller.user_id)
    return Link(url=f"/api/collab/links/{token.text}", expires_at=token.expires_at)


async def open_link(request: OpenLink, service: Service) -> StoredFile:
    """Who made it was let in then; that the file is served, and its message not deleted, is looked at now."""
    linked = await service.links.find(request.token)
    file = await service.attachments.get(*linked) if linked else None
    if file is None or file.deleted_at is not None or await service.went_with_its_message(file):
        raise LinkNotFound
    domain.check_served(file, scanning=service.scanning)
    return domain.stored_file(file, request.disposition)


async def delete_attachment(request: DeleteAttachment, caller: Principal, service: Service) -> Nothing:
    """What is gone is still there for those who could delete it, and for nobody else."""
    file = await service.attachments.get(caller.workspace_id, request.attachment_id)
    if file is None:
        raise AttachmentNotFound
    try:
        access = await service.access(Right.READ, file.thread_id, caller)
    except ThreadNotFound:
        raise AttachmentNotFound from None
    standing = await service.standing(file, caller)
    may = file.uploaded_by_id == caller.user_id or access.deletes_others
    if standing is Standing.HIDDEN or (standing is Standing.GONE and not may):
        raise AttachmentNotFound
    if access.state is State.ARCHIVED:
        raise ThreadIsArchived
    if not may:
        raise NotTheUploader
    await service.attachments.delete(file, caller)
    log.info("attachment_deleted", threadId=file.thread_id, attachmentId=file.id, userId=caller.user_id)
    return Nothing()
