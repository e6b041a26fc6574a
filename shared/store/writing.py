"""A file of a folder while it is written: beside its place until it is whole, and on the disk before it is there."""

import asyncio
import errno
import hashlib
import os
import sys
from collections.abc import AsyncIterable, Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

from shared.store.store import CHUNK, StoreIsAway, StoreIsFull

FULL = (errno.ENOSPC, errno.EDQUOT)
MOST = 512 * 1024
"""Bytes that wait to be written."""
AHEAD = 8 * 1024 * 1024
"""Bytes after which the disk begins, so that the end of a large file does not wait for all of it."""


_FOLDER, _FILE = 0o700, 0o600  # nobody else of this machine reads what its users sent


def make_folder(folder: Path) -> None:
    """With those above it that are missing: `parents=True` would give them the mode of the umask. One that is there keeps its own."""
    try:
        folder.mkdir(_FOLDER, exist_ok=True)
    except FileNotFoundError:
        make_folder(folder.parent)
        folder.mkdir(_FOLDER, exist_ok=True)


def _made(path: Path) -> BufferedWriter:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE), "wb")  # an opener of `open` would take one more system call


class Threads(NamedTuple):
    """writing: few, as SHA-256 keeps a core busy, and more only take it from each other. settling: many, which wait for the disk.

    What is left at the end of a file, and all of a small one, is written by the one that settles it: each change of threads costs more
    than the bytes do.
    """

    writing: ThreadPoolExecutor
    settling: ThreadPoolExecutor


class PartFile:
    """Threads hash and write what came while the next of it comes, so that neither the disk nor SHA-256 holds up anybody else."""

    def __init__(self, path: Path, threads: Threads, settle: Callable[[Path], None]) -> None:
        """settle: puts the file's name on the disk, once it has it."""
        self._path, self._threads, self._settle = path, threads, settle
        self._part = path.with_name(f"{path.name}#{token_hex(4)}")
        self._digest = hashlib.sha256()
        self._file: BufferedWriter | None = None
        self._written = self._sent_off = 0
        self._work: Future[object] | None = None

    async def write(self, chunks: AsyncIterable[bytes]) -> str:
        """The SHA-256 of all, in hex, once it is in its place. What breaks off, or is cancelled, leaves nothing."""
        pieces: list[bytes] = []
        size = 0
        try:
            async for chunk in chunks:
                pieces.append(chunk)
                size += len(chunk)
                if size >= MOST or (size >= CHUNK and self._is_free()):
                    await self._done()
                    self._begin(self._threads.writing, self._append, pieces)
                    pieces, size = [], 0
            await self._done()
            self._begin(self._threads.settling, self._finish, pieces)
            await self._done()
        except BaseException:
            await asyncio.shield(asyncio.wrap_future(self._threads.settling.submit(self._discard, self._work)))
            raise
        return self._digest.hexdigest()

    def _begin[*Given](self, threads: ThreadPoolExecutor, work: Callable[[*Given], object], *given: *Given) -> None:
        self._work = threads.submit(work, *given)

    def _is_free(self) -> bool:
        return self._work is None or self._work.done()

    async def _done(self) -> None:
        if self._work is None:
            return
        try:
            await asyncio.wrap_future(self._work)
        except OSError as error:
            raise (StoreIsFull if error.errno in FULL else StoreIsAway) from error

    def _append(self, pieces: list[bytes]) -> BufferedWriter:
        if self._file is None:
            make_folder(self._path.parent)
            self._file = _made(self._part)
        together = b"".join(pieces)  # piece by piece, the thread would wait for its turn twice for each
        self._digest.update(together)
        self._file.write(together)
        self._written += len(together)
        if self._written - self._sent_off >= AHEAD:
            self._send_off(self._file.fileno())
        return self._file

    def _send_off(self, descriptor: int) -> None:
        """What is on its way to the disk already is kept in memory, for the scanner that reads it next."""
        if sys.platform == "linux":  # where the advice begins a write and waits for none
            os.posix_fadvise(descriptor, self._sent_off, self._written - self._sent_off, os.POSIX_FADV_DONTNEED)
        self._sent_off = self._written

    def _finish(self, pieces: list[bytes]) -> None:
        file = self._append(pieces)
        file.flush()
        descriptor = file.fileno()
        os.fsync(descriptor)
        file.close()
        self._part.replace(self._path)
        self._settle(self._path)

    def _discard(self, begun: Future[object] | None) -> None:
        """A thread goes on with what it had begun. What cannot be deleted goes with its object, or by the sweep."""
        if begun is not None:
            wait([begun])
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)
