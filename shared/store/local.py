"""A folder of this machine."""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from shared.application import CannotStart, Dependency
from shared.store.reading import OpenFile
from shared.store.store import CHUNK, ObjectIsMissing, SignedPut, Store, Stored, StoreIsAway
from shared.store.writing import FULL, PartFile, Threads, make_folder

log = structlog.get_logger()

_WRITING, _SETTLING, _READING = 3, 32, 16


class FolderStore(Store):
    """Objects are files; a write is in a file of its own until it is whole, and on the disk before it is done."""

    reached_by_clients = False
    held = 2 * 1024 * 1024  # what is written, and what came meanwhile

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._threads = Threads(ThreadPoolExecutor(_WRITING, "store-writes"), ThreadPoolExecutor(_SETTLING, "store-settles"))
        self._readers = ThreadPoolExecutor(_READING, "store-reads")
        self._durable: set[str] = set()  # folders that are known to be on the disk: some 131,000, when all are there

    async def open(self) -> None:
        try:
            make_folder(self._folder)
            probe = self._folder / ".writable"
            probe.touch()
            probe.unlink(missing_ok=True)  # another process may start as well
        except OSError as error:
            if error.errno in FULL:  # what is there is served; who sends is told
                log.warning("store_is_full", folder=str(self._folder))
                return
            raise CannotStart(
                f"ATRIUM_STORE: {self._folder} cannot be written ({error.strerror}): name a folder that this user owns."
            ) from error

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> str:
        return await PartFile(self._folder / key, self._threads, self._sync).write(chunks)

    async def read(self, key: str, begin: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        file = OpenFile(self._folder / key, self._readers)
        try:
            while end is None or begin < end:
                most = CHUNK if end is None else min(CHUNK, end - begin)
                chunk = await file.read(most, begin)
                if chunk:
                    yield chunk
                if len(chunk) < most:
                    return
                begin += most
        finally:
            file.close()

    async def size(self, key: str) -> int | None:
        try:
            return (await asyncio.to_thread((self._folder / key).stat)).st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreIsAway from error

    async def copy(self, key: str, to: str) -> None:
        await self.write(to, self.read(key))

    async def move(self, key: str, to: str) -> None:
        await asyncio.to_thread(self._move, self._folder / key, self._folder / to)

    async def delete(self, *keys: str) -> None:
        await asyncio.to_thread(self._delete, keys)

    async def list(self, prefix: str = "") -> AsyncIterator[Stored]:
        found = self._files(prefix)
        try:
            while batch := await asyncio.to_thread(_some, found):
                for stored in batch:
                    yield stored
        except OSError as error:
            raise StoreIsAway from error

    def presigned_put(self, key: str, size: int, digest: bytes, seconds: int) -> SignedPut | None:
        return None

    def presigned_get(self, key: str, seconds: int, headers: Mapping[str, str]) -> str | None:
        return None

    async def health(self) -> Dependency:
        try:
            async with asyncio.timeout(1):
                free = (await asyncio.to_thread(os.statvfs, self._folder)).f_bavail
        except (OSError, TimeoutError) as error:
            return Dependency(ok=False, detail=f"{self._folder}: {error or 'does not answer'}", needed=False)
        return Dependency(ok=free > 0, detail=None if free else f"{self._folder}: the disk is full", needed=False)

    def _sync(self, path: Path) -> None:
        """The file's name, and those of folders on the way to it that may be new."""
        _forget_parts(path)
        folder, top = os.path.dirname(path), str(self._folder)  # Path takes as long for this as the disk does
        _sync(folder)
        while folder not in self._durable and folder != top:
            above = os.path.dirname(folder)
            _sync(above)
            self._durable.add(folder)
            folder = above

    def _move(self, path: Path, to: Path) -> None:
        try:
            make_folder(to.parent)
            path.replace(to)
            self._sync(to)
            _sync(path.parent)
        except FileNotFoundError:
            raise ObjectIsMissing(path.name) from None
        except OSError as error:
            raise StoreIsAway from error

    def _delete(self, keys: tuple[str, ...]) -> None:
        try:
            for key in keys:
                (self._folder / key).unlink(missing_ok=True)
                _forget_parts(self._folder / key)
        except OSError as error:
            raise StoreIsAway from error

    def _files(self, prefix: str) -> Iterator[Stored]:
        for parent, _, names in os.walk(self._folder / prefix, onerror=_is_not_empty):
            for name in names:
                path = Path(parent, name)
                try:
                    known = path.stat()
                except FileNotFoundError:
                    continue
                yield Stored(str(path.relative_to(self._folder)), known.st_size, datetime.fromtimestamp(known.st_mtime, UTC))


def _is_not_empty(error: OSError) -> None:
    """A folder that cannot be looked into; one that is not there, or no more, is."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _forget_parts(path: Path) -> None:
    """What a write left that ended with its process: `PartFile` writes beside its place."""
    parts = f"{path.name}#"
    with suppress(FileNotFoundError), os.scandir(path.parent) as beside:
        for entry in beside:
            if entry.name.startswith(parts):
                Path(entry).unlink(missing_ok=True)


def _sync(folder: str | Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _some(found: Iterator[Stored]) -> list[Stored]:
    return [stored for stored, _ in zip(found, range(1_000), strict=False)]
