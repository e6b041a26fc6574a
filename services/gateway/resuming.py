"""From a request of tus to the store: as many parts as come, each of which counts as soon as it is there.

So whatever breaks, a connection that nobody hears of for half a minute or a process that is killed, costs one part at most.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import structlog

from services.gateway.arriving import Body
from services.gateway.dispatch import refused
from services.gateway.errors import BodyIsTooLarge, BodyIsTooSlow
from services.gateway.transfers import TAKEN, UPLOADS, Transfer, failures_counted
from services.gateway.tus import Checksum, Continued, Progress
from services.gateway.uploading import Arrival, Unread, abort
from shared.contracts.attachments.resumable import (
    COMPLETE_RESUMABLE_UPLOAD,
    CONTINUE_RESUMABLE_UPLOAD,
    JOIN_PARTS,
    KEEP_PART,
    CompleteResumableUpload,
    ContinueResumableUpload,
    JoinParts,
    KeepPart,
    ResumableUpload,
)
from shared.contracts.attachments.uploads import Upload
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal, RequestIsMalformed
from shared.store.store import ObjectIsMissing, StoreIsAway

log = structlog.get_logger()

PART = 4 * 1024 * 1024  # bytes that count at once: what a slow line sends in half a minute

MARGIN = 60.0  # seconds that a write has beyond those that its request may take


class Incoming:
    """The bytes of one request, for so many seconds. What came counts, though its sender has left or fallen silent: `trouble` says so.

    whole: nothing of it counts then, as it has one checksum.
    """

    def __init__(self, body: Body, remaining: int, seconds: float, *, whole: bool) -> None:
        self._body, self._remaining, self._whole = body, remaining, whole
        self._until = time.monotonic() + seconds
        self._ready = b""
        self.trouble: Refusal | None = None

    async def more(self) -> bool:
        """Whether there is any that is not taken yet. Raises `BodyIsTooLarge`."""
        while not self._ready and self.trouble is None:
            piece = await self._next()
            if piece is None:
                break
            self._ready = piece
            self._remaining -= len(piece)
            if self._remaining < 0:
                raise BodyIsTooLarge
        return bool(self._ready)

    async def part(self) -> AsyncIterator[bytes]:
        """As many as count at once."""
        taken = 0
        while (self._whole or taken < PART) and await self.more():
            piece, self._ready = (self._ready, b"") if self._whole else (self._ready[: PART - taken], self._ready[PART - taken :])
            taken += len(piece)
            yield piece

    async def _next(self) -> bytes | None:
        try:
            if time.monotonic() > self._until:
                raise BodyIsTooSlow
            return await self._body.next()
        except (BodyIsTooSlow, RequestIsMalformed) as trouble:
            if self._whole:
                raise
            self.trouble = trouble
            return None


class Resumption:
    """One upload while it goes on."""

    def __init__(self, upload_id: UUID, caller: Principal, transfer: Transfer) -> None:
        self._upload_id, self._caller, self._transfer = upload_id, caller, transfer
        self._open: list[UUID] = []  # places whose bytes do not count yet

    async def begin(self, offset: int, after: UUID | None = None) -> tuple[ResumableUpload, Upload | None]:
        """A place for the next part, known to its owner before the first byte is there; none where all is there."""
        self._transfer.give_time()
        request = ContinueResumableUpload(upload_id=self._upload_id, offset=offset, after=after)
        begun = await self._transfer.call(CONTINUE_RESUMABLE_UPLOAD, request, self._caller)
        if begun.place is not None:
            self._open.append(begun.place.id)
        return begun.upload, begun.place

    async def receive(self, upload: ResumableUpload, place: Upload | None, body: Body, checksum: Checksum | None) -> ResumableUpload:
        """Take all that comes, beginning with what is for this place."""
        remaining = upload.size - upload.offset
        if (self._transfer.exchange.length or 0) > remaining:
            raise BodyIsTooLarge
        incoming = self._incoming(body, remaining, whole=checksum is not None)
        comes = await incoming.more()
        if checksum is not None and not comes:
            checksum.check()
        while comes:
            assert place is not None, "what is complete takes no byte"
            upload = await self._take(upload, place, incoming, checksum)
            comes = await incoming.more()
            if comes:
                upload, place = await self.begin(upload.offset, after=place.id)
        if incoming.trouble is not None:
            raise incoming.trouble
        await self.give_up()
        return upload

    async def receive_nothing(self, upload: ResumableUpload, body: Body) -> ResumableUpload:
        """An upload of no bytes is complete with that."""
        _, place = await self.begin(0)
        assert place is not None, "it is not complete"
        return await self._take(upload, place, self._incoming(body, 0, whole=True), None)

    async def give_up(self) -> None:
        """What does not count is deleted."""
        await abort(self._open, self._caller, self._transfer)
        self._open.clear()

    def _incoming(self, body: Body, remaining: int, *, whole: bool) -> Incoming:
        return Incoming(body, remaining, self._transfer.settings.upload_timeout, whole=whole)

    async def _take(self, upload: ResumableUpload, place: Upload, incoming: Incoming, checksum: Checksum | None) -> ResumableUpload:
        arrival = Arrival(upload.size)
        chunks = arrival.through(incoming.part())
        within = self._transfer.settings.upload_timeout + MARGIN
        digest = await self._write(place, chunks if checksum is None else checksum.through(chunks), within)
        self._transfer.give_time()
        if upload.offset + arrival.size < upload.size:
            part = KeepPart(upload_id=upload.id, part_id=place.id, size=arrival.size)
            upload = await self._transfer.call(KEEP_PART, part, self._caller)
        else:
            upload = await self._complete(upload, place, arrival, digest)
        self._open.clear()
        return upload

    async def _complete(self, upload: ResumableUpload, last: Upload, arrival: Arrival, digest: str) -> ResumableUpload:
        """The last part counts together with the attachment, or not at all: what is there is what can be gone on with."""
        whole, head = last, arrival.head
        if arrival.size < upload.size:
            whole, head, digest = await self._join(upload, last, arrival.size)
        self._transfer.give_time()
        complete = CompleteResumableUpload(upload_id=upload.id, part_id=last.id, whole_id=whole.id, head=head, sha256=digest)
        return await self._transfer.call(COMPLETE_RESUMABLE_UPLOAD, complete, self._caller)

    async def _join(self, upload: ResumableUpload, last: Upload, last_size: int) -> tuple[Upload, bytes, str]:
        """Its place, its head and its digest. Nobody else goes on meanwhile, for as long as the owner says."""
        request = JoinParts(upload_id=upload.id, part_id=last.id, size=last_size)
        joined = await self._transfer.call(JOIN_PARTS, request, self._caller)
        self._open.append(joined.place.id)
        contents = Arrival(upload.size)
        try:
            digest = await self._write(joined.place, contents.through(self._contents(joined.keys)), joined.seconds)
        except ObjectIsMissing as missing:
            log.error("part_is_missing", uploadId=upload.id, parts=len(joined.keys), storageKey=str(missing))
            raise StoreIsAway from missing
        if contents.size != upload.size:
            log.error("parts_do_not_make_the_whole", uploadId=upload.id, size=upload.size, joined=contents.size)
            raise StoreIsAway
        return joined.place, contents.head, digest

    async def _write(self, place: Upload, chunks: AsyncIterator[bytes], seconds: float) -> str:
        try:
            async with asyncio.timeout(seconds):
                return await self._transfer.store.write(place.storage_key, chunks)
        except TimeoutError as late:
            raise StoreIsAway from late

    async def _contents(self, keys: Sequence[str]) -> AsyncIterator[bytes]:
        for key in keys:
            async for chunk in self._transfer.store.read(key):
                yield chunk


class UnreadRest(Unread, Continued):
    """A refusal in the middle of what comes."""


async def go_on(request: ContinueResumableUpload, caller: Principal, transfer: Transfer) -> Continued:
    """Take what comes, as far as it comes. What is refused before the first byte is refused as anything else is."""
    checksum = Checksum.of(transfer.exchange.headers)
    resumption = Resumption(request.upload_id, caller, transfer)
    upload, place = await resumption.begin(request.offset)
    body = Body(transfer.exchange.receive, transfer.settings.attachment_limit)
    try:
        with failures_counted():
            async with transfer.room(caller):
                progress = Progress(await resumption.receive(upload, place, body, checksum))
    except Refusal as refusal:
        await resumption.give_up()
        return UnreadRest(refused(refusal), body)
    except Exception:
        await resumption.give_up()
        raise
    UPLOADS.labels(TAKEN).inc()
    return progress
