"""Files over HTTP (spec 1, Attachments)."""

from collections.abc import Sequence

from pydantic_core import from_json, to_json

from services.gateway.downloading import FileReply, file_reply
from services.gateway.replies import JSON, NO_STORE, REPLAYED, Created, Headers, NoContent, Ok
from services.gateway.routing import Call, route
from services.gateway.transfers import Transfer, anonymous_file_route, file_route, form_route
from services.gateway.uploading import FormReply, receive_files
from shared.contracts.attachments.attachments import (
    DELETE_ATTACHMENT,
    LIST_ATTACHMENTS,
    OPEN_ATTACHMENT,
    OPEN_PREVIEW,
    AttachmentPage,
    DeleteAttachment,
    ListAttachments,
    OpenAttachment,
    OpenPreview,
)
from shared.contracts.attachments.links import LINK_ATTACHMENT, OPEN_LINK, Link, LinkAttachment, OpenLink
from shared.contracts.attachments.uploads import (
    BEGIN_UPLOAD,
    FINISH_UPLOADS,
    FINISH_VOICE,
    BeginUpload,
    FinishUploads,
    FinishVoice,
    Received,
    UploadKind,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.messaging.frames import Answer

THREAD_ATTACHMENTS = "/api/collab/threads/{threadId}/attachments"
ATTACHMENT = "/api/collab/attachments/{attachmentId}"


class Uploaded(FormReply):
    """201: of one file, what was made of it; of several, all of them."""

    def __init__(self, answer: Answer, thread_path: str) -> None:
        attachments = from_json(answer.body)["attachments"]
        one = len(attachments) == 1
        location = attachments[0]["url"] if one else thread_path
        headers = (JSON, NO_STORE, (b"location", location.encode()), *_replayed(answer))
        super().__init__(201, to_json(attachments[0]) if one else answer.body, headers)


def _replayed(answer: Answer) -> Headers:
    return (REPLAYED,) if answer.kind == "replay" else ()


@form_route(THREAD_ATTACHMENTS, FINISH_UPLOADS, begins=BEGIN_UPLOAD, needs=Permission.FILE_UPLOAD)
async def upload_attachments(request: BeginUpload, caller: Principal, transfer: Transfer) -> FormReply:
    """Upload a file, or several, in parts named `file`: all or none. One is answered as it is, several as `attachments`."""

    async def finish(received: Sequence[Received]) -> Uploaded:
        answer = await transfer.call.answer(FINISH_UPLOADS, FinishUploads(thread_id=request.thread_id, files=[*received]), caller)
        path = THREAD_ATTACHMENTS.replace("{threadId}", str(request.thread_id))
        return Uploaded(answer, path)

    return await receive_files(request, caller, transfer, finish)


@form_route("/api/collab/threads/{threadId}/voice", FINISH_VOICE, begins=BEGIN_UPLOAD, needs=Permission.FILE_UPLOAD)
async def upload_voice(request: BeginUpload, caller: Principal, transfer: Transfer) -> FormReply:
    """Upload a voice message, in a part named `file`; it is posted by its id, as any file is. How it sounds is read once it is clean."""

    async def finish(received: Sequence[Received]) -> FormReply:
        answer = await transfer.call.answer(FINISH_VOICE, FinishVoice(thread_id=request.thread_id, files=[*received]), caller)
        headers = (JSON, NO_STORE, (b"location", from_json(answer.body)["url"].encode()), *_replayed(answer))
        return FormReply(201, answer.body, headers)

    return await receive_files(request.model_copy(update={"kind": UploadKind.VOICE}), caller, transfer, finish)


@route("GET", THREAD_ATTACHMENTS, LIST_ATTACHMENTS, needs=Permission.FILE_READ)
async def list_attachments(request: ListAttachments, caller: Principal, call: Call) -> Ok[AttachmentPage]:
    """The files of a thread, newest first, with how far their scans are."""
    return Ok(await call.answer(LIST_ATTACHMENTS, request, caller))


@file_route(ATTACHMENT, OPEN_ATTACHMENT, needs=Permission.FILE_READ)
async def open_attachment(request: OpenAttachment, caller: Principal, transfer: Transfer) -> FileReply:
    """Download a file that was scanned and found clean. Takes `Range`, `If-Range`, `If-Match` and `If-None-Match`."""
    return await file_reply(await transfer.call(OPEN_ATTACHMENT, request, caller), transfer)


@file_route(f"{ATTACHMENT}/preview", OPEN_PREVIEW, needs=Permission.FILE_READ)
async def open_preview(request: OpenPreview, caller: Principal, transfer: Transfer) -> FileReply:
    """A picture made small: the narrowest that is at least as wide and as high as asked, or the widest there is."""
    return await file_reply(await transfer.call(OPEN_PREVIEW, request, caller), transfer)


@route("POST", f"{ATTACHMENT}/link", LINK_ATTACHMENT, needs=Permission.FILE_READ)
async def link_attachment(request: LinkAttachment, caller: Principal, call: Call) -> Created[Link]:
    """Make an address by which anybody who has it can read this file, for five minutes."""
    return Created(await call.answer(LINK_ATTACHMENT, request, caller), at="{url}")


@anonymous_file_route("/api/collab/links/{token}", OPEN_LINK)
async def open_link(request: OpenLink, transfer: Transfer) -> FileReply:
    """Download the file of a link."""
    return await file_reply(await transfer.call(OPEN_LINK, request, None), transfer)


@route("DELETE", ATTACHMENT, DELETE_ATTACHMENT, needs=Permission.FILE_DELETE)
async def delete_attachment(request: DeleteAttachment, caller: Principal, call: Call) -> NoContent:
    """Take a file from its readers: one's own, or, of who may delete others' messages, any in the thread's messages."""
    await call.answer(DELETE_ATTACHMENT, request, caller)
    return NoContent()
