"""From the store to a client: whole, or the range that it asks for."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import ClassVar, NamedTuple
from urllib.parse import quote

import structlog
from starlette.types import Receive, Send

from services.gateway.errors import FileIsAnother, RangeIsNotInTheFile
from services.gateway.exchange import Exchange
from services.gateway.replies import Headers, NotModified, Reply, names
from services.gateway.transfers import Transfer
from shared.contracts.attachments.attachments import StoredFile
from shared.store.store import ObjectIsMissing, StoreIsAway

log = structlog.get_logger()

PATIENCE = 120.0  # seconds until a client has taken one chunk: 2 KiB a second
PRESIGNED = 60  # seconds that an address of the S3 server is good for (API.md)

_RANGE = re.compile(rb"bytes=(\d{0,19})-(\d{0,19})")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`|~-]+")
_UNQUOTED = "!#$&+-.^_`|~"  # what RFC 8187 leaves as it is
# What is shown runs nothing and loads nothing, whatever it turns out to be.
_KEPT = (b"cache-control", b"private, no-cache")
_HARMLESS = (
    (b"accept-ranges", b"bytes"),
    _KEPT,
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
)


class Range(NamedTuple):
    """From `begin` to before `end`."""

    begin: int
    end: int


class FileReply(Reply):
    """What is answered to whoever asks for a file."""

    documented: ClassVar[int] = 200
    also: ClassVar[int] = 206


class File(FileReply):
    """The file, as far as it is asked for."""

    def __init__(self, status: int, headers: Headers, chunks: AsyncIterator[bytes], receive: Receive) -> None:
        super().__init__(status, b"", headers)
        self._chunks, self._receive = chunks, receive

    async def send(self, send: Send, more_headers: Headers = ()) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, *more_headers]})
        left = asyncio.ensure_future(_left(self._receive))
        try:
            async for chunk in self._chunks:
                async with asyncio.timeout(PATIENCE):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if left.done():  # the server would go on taking bytes for nobody
                    return
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            log.info("download_was_given_up", seconds=PATIENCE)
        finally:
            left.cancel()
            if isinstance(self._chunks, AsyncGenerator):
                await self._chunks.aclose()


class Redirect(FileReply):
    """307: the store itself has it, at an address that is good for a minute."""

    def __init__(self, url: str) -> None:
        super().__init__(307, b"", ((b"location", url.encode()), (b"cache-control", b"no-store")))


async def file_reply(stored: StoredFile, transfer: Transfer) -> FileReply:
    """Raises `FileIsAnother`, `RangeIsNotInTheFile`, `StoreIsAway`."""
    exchange, tag = transfer.exchange, b'"%b"' % stored.etag.encode()
    if not names(exchange.headers.get(b"if-match", b"*"), tag):
        raise FileIsAnother
    if names(exchange.headers.get(b"if-none-match", b""), tag):
        return FileReply(304, b"", NotModified(tag).headers)
    described = _described(stored)
    if transfer.settings.attachment_redirects and exchange.scope["method"] == "GET":  # an address is signed for one method
        url = transfer.store.presigned_get(stored.storage_key, PRESIGNED, _said_by_the_store(described))
        if url is not None:
            return Redirect(url)
    asked = _range(exchange, tag, stored.size)
    part = asked or Range(0, stored.size)
    headers = [*described.items(), (b"etag", tag), (b"content-length", b"%d" % (part.end - part.begin))]
    if asked is not None:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (part.begin, part.end - 1, stored.size)))
    is_empty = exchange.scope["method"] == "HEAD" or part.begin == part.end
    chunks = _nothing() if is_empty else await _opened(stored, part, transfer)
    return File(200 if asked is None else 206, (*headers, *_HARMLESS), chunks, exchange.receive)


def _said_by_the_store(described: Mapping[bytes, bytes]) -> dict[str, str]:
    """All that S3 lets an address decide. It sends no `nosniff` and no policy: what is not safe to be shown is an attachment anyway."""
    return {name.decode(): value.decode() for name, value in [*described.items(), _KEPT]}


def _described(stored: StoredFile) -> dict[bytes, bytes]:
    disposition = "inline" if stored.inline else "attachment"
    return {
        b"content-type": stored.mime_type.encode(),
        b"content-disposition": content_disposition(disposition, stored.filename).encode(),
    }


def content_disposition(disposition: str, filename: str) -> str:
    """RFC 6266: a name that every client reads, and, where that is not all of it, the name itself."""
    if _TOKEN.fullmatch(filename):
        return f'{disposition}; filename="{filename}"'
    plain = "".join(each if " " <= each <= "~" and each not in '"\\%' else "_" for each in filename)
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe=_UNQUOTED)}"


def _range(exchange: Exchange, tag: bytes, size: int) -> Range | None:
    """The one range that is asked for; None for all of it: several at once, or one that cannot be read, are as good as none."""
    asked = _RANGE.fullmatch(exchange.headers.get(b"range", b"").strip())
    if asked is None or exchange.scope["method"] != "GET" or exchange.headers.get(b"if-range", tag) != tag:
        return None
    first, last = asked.groups()
    if not first:
        begin, end = max(0, size - int(last or 0)), size
        if not last:
            return None
    else:
        begin, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < begin:
            return None
    if begin >= end:
        raise RangeIsNotInTheFile(size=size)
    return Range(begin, end)


async def _opened(stored: StoredFile, part: Range, transfer: Transfer) -> AsyncIterator[bytes]:
    """Read from the store; what is wrong there shows before anything is answered."""
    chunks = transfer.store.read(stored.storage_key, *part)
    try:
        first = await anext(chunks)
    except (ObjectIsMissing, StopAsyncIteration) as missing:
        log.error("object_is_missing", attachmentId=stored.attachment_id, storageKey=stored.storage_key)
        raise StoreIsAway from missing
    return _from(first, chunks)


async def _from(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _left(receive: Receive) -> None:
    """Returns when the client has."""
    while (await receive())["type"] != "http.disconnect":
        pass
