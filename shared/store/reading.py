"""A file of a folder while it is read, by threads: neither a slow disk nor many readers hold up anybody else.

5 MB take 4 ms of a core; obstore's stream of a local file took 38, as it is read by 8 KB.
"""

import asyncio
import os
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path

from shared.store.store import ObjectIsMissing, StoreIsAway


class OpenFile:
    """It is opened when the first of it is read."""

    def __init__(self, path: Path, threads: ThreadPoolExecutor) -> None:
        self._path, self._threads = path, threads
        self._file: FileIO | None = None
        self._work: Future[bytes] | None = None

    async def read(self, most: int, begin: int) -> bytes:
        """So many bytes from there on; fewer at the end. Raises `ObjectIsMissing` and `StoreIsAway`."""
        self._work = self._threads.submit(self._read, most, begin)
        try:
            return await asyncio.wrap_future(self._work)
        except FileNotFoundError:
            raise ObjectIsMissing(self._path.name) from None
        except OSError as error:
            raise StoreIsAway from error

    def close(self) -> None:
        """A thread that reads from it yet, for somebody who has left, has it until it is done."""
        if self._work is not None:
            self._work.add_done_callback(lambda _: self._close())

    def _read(self, most: int, begin: int) -> bytes:
        if self._file is None:
            self._file = FileIO(self._path)
        found = os.pread(self._file.fileno(), most, begin)
        while len(found) < most and (more := os.pread(self._file.fileno(), most - len(found), begin + len(found))):
            found += more
        return found

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
