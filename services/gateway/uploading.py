"""From a form to the store: the files of one request, all or none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import ClassVar
from uuid import UUID

import structlog
from starlette.types import Send

from services.gateway.arriving import Body
from services.gateway.dispatch import refused
from services.gateway.errors import BodyIsTooLarge, BodyIsTooSlow
from services.gateway.multipart import Form, Part
from services.gateway.replies import Headers, Reply
from services.gateway.transfers import TAKEN, UPLOADS, Transfer, failures_counted
from shared.contracts.attachments.uploads import (
    ABORT_UPLOADS,
    BEGIN_UPLOAD,
    HEAD_BYTES,
    LONGEST_NAME,
    AbortUploads,
    BeginUpload,
    FileIsMissing,
    FileIsTooLarge,
    Received,
)
from shared.contracts.principal import Principal
from shared.contracts.refusals import FieldError, Refusal, RequestIsInvalid

log = structlog.get_logger()

FIELD = "file"
FORM_BYTES = 64 * 1024  # that a form may have beside its files, for each of them

type Finish = Callable[[Sequence[Received]], Awaitable[FormReply]]


class FormReply(Reply):
    """What is answered to whoever sends files."""

    documented: ClassVar[int] = 201


class Arrival:
    """What is found out about a file while its bytes pass."""

    def __init__(self, limit: int) -> None:
        self._limit, self.size, self.head = limit, 0, b""

    async def through(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Raises `FileIsTooLarge` as soon as it is."""
        async for chunk in chunks:
            self.size += len(chunk)
            if self.size > self._limit:
                raise FileIsTooLarge
            self.head += chunk[: HEAD_BYTES - len(self.head)]
            yield chunk


class Files:
    """Those of one request, written one after the other as they come."""

    def __init__(self, begin: BeginUpload, caller: Principal, transfer: Transfer) -> None:
        self._begin, self._caller, self._transfer = begin, caller, transfer
        self._begun: list[UUID] = []
        self.received: list[Received] = []

    async def take(self, part: Part, content: AsyncIterator[bytes]) -> None:
        """Write one. Its place is known to its owner before the first byte is there, so that nothing is left behind unseen."""
        said = _filename(part, len(self.received), self._transfer.route.most_files)
        if self.received:
            await self._transfer.count_one_more(self._caller)
        upload = await self._transfer.call(BEGIN_UPLOAD, self._begin, self._caller)
        self._begun.append(upload.id)
        arrival = Arrival(self._transfer.settings.attachment_limit)
        digest = await self._transfer.store.write(upload.storage_key, arrival.through(content))
        self.received.append(Received(upload_id=upload.id, filename=said, head=arrival.head, size=arrival.size, sha256=digest))

    async def give_up(self) -> None:
        await abort(self._begun, self._caller, self._transfer)


async def abort(upload_ids: Sequence[UUID], caller: Principal, transfer: Transfer) -> None:
    """What came is deleted: now, or by the owner once it has expired."""
    if not upload_ids:
        return
    transfer.give_time()
    try:
        await transfer.call(ABORT_UPLOADS, AbortUploads(upload_ids=[*upload_ids]), caller)
    except Refusal as refusal:
        log.warning("uploads_left_to_expire", code=refusal.code, count=len(upload_ids))


def _filename(part: Part, taken: int, most: int) -> str:
    """What the client calls the file. Raises where the part is none that is expected."""
    if part.name != FIELD:
        raise RequestIsInvalid(errors=[FieldError(field=part.name[:100], code="unknown_field", detail="Files are in parts named `file`.")])
    if part.filename is None:
        raise FileIsMissing
    if taken == most:
        raise RequestIsInvalid(errors=[FieldError(field=FIELD, code="too_long", detail=f"One request has at most {most}.")])
    return part.filename[-LONGEST_NAME:]


async def receive_files(begin: BeginUpload, caller: Principal, transfer: Transfer, finish: Finish) -> FormReply:
    """Take the files of a form, and finish with all of them; after whatever fails, with none."""
    most = transfer.route.most_files * (transfer.settings.attachment_limit + FORM_BYTES)
    body = Body(transfer.exchange.receive, most)
    files = Files(begin, caller, transfer)
    try:
        with failures_counted():
            await _take_in_time(body, files, caller, transfer)
            reply = await finish(files.received)
    except Refusal as refusal:
        await files.give_up()
        return Unread(refused(refusal), body)
    except Exception:
        await files.give_up()
        raise
    UPLOADS.labels(TAKEN).inc()
    return reply


async def _take_in_time(body: Body, files: Files, caller: Principal, transfer: Transfer) -> None:
    try:
        async with asyncio.timeout(transfer.settings.upload_timeout), transfer.room(caller, transfer.exchange.length):
            await _take_all(body, files, transfer)
    except TimeoutError:
        raise BodyIsTooSlow from None


async def _take_all(body: Body, files: Files, transfer: Transfer) -> None:
    if (transfer.exchange.length or 0) > body.most:
        raise BodyIsTooLarge
    form = Form(transfer.exchange.headers, body)
    async for part in form.parts():
        await files.take(part, form.content())
    if not files.received:
        raise FileIsMissing


class Unread(FormReply):
    """A refusal of something of which more may come: that is let go, so that its sender gets to read this."""

    def __init__(self, reply: Reply, body: Body) -> None:
        closes = body.ended or any(name == b"connection" for name, _ in reply.headers)
        super().__init__(reply.status, reply.body, reply.headers if closes else (*reply.headers, (b"connection", b"close")))
        self._rest = body

    async def send(self, send: Send, more_headers: Headers = ()) -> None:
        headers = [*self.headers, *more_headers, (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await self._rest.let_go()
        await send({"type": "http.response.body", "body": b""})
