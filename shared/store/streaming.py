"""How bytes go to and from buckets, by obstore."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError

from shared.store.store import CHUNK, ObjectIsMissing, StoreIsAway, StoreIsFull

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ObjectStore

FULL = ("QuotaExceeded", "StorageFull", "InsufficientStorage")  # as stores of S3 say it


async def gathered(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """As much at a time as is worth a write."""
    pieces: list[bytes] = []
    size = 0
    async for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size >= CHUNK:
            yield b"".join(pieces)
            pieces, size = [], 0
    if pieces:
        yield b"".join(pieces)


async def stream_in(store: "ObjectStore", key: str, chunks: AsyncIterable[bytes], *, part: int) -> str:
    """A write in parts of so many bytes; the SHA-256 of all, in hex. One that raises is aborted."""
    digest = hashlib.sha256()

    async def hashed() -> AsyncIterator[bytes]:
        async for chunk in gathered(chunks):
            await asyncio.to_thread(digest.update, chunk)
            yield chunk

    try:
        with told_apart():
            await obstore.put_async(store, key, hashed(), use_multipart=True, chunk_size=part, max_concurrency=1)
    except ObjectIsMissing as forgotten:  # the answer to its end was lost, and whoever asked again was told that it has ended
        raise StoreIsAway from forgotten
    return digest.hexdigest()


async def stream_out(store: "ObjectStore", key: str, begin: int, end: int | None) -> AsyncIterator[bytes]:
    with told_apart():
        found = await obstore.get_async(store, key, options=_range(begin, end))
        async for chunk in found.stream(min_chunk_size=CHUNK):
            yield bytes(chunk)


@contextmanager
def told_apart() -> Iterator[None]:
    """The store's errors as ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectIsMissing from error
    except (BaseError, OSError) as error:
        raise (StoreIsFull if any(words in str(error) for words in FULL) else StoreIsAway) from error


def _range(begin: int, end: int | None) -> "GetOptions | None":
    """All of an empty object has no range."""
    if end is not None:
        return {"range": (begin, end)}
    return {"range": {"offset": begin}} if begin else None
