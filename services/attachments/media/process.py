"""One worker, as its owner sees it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from services.attachments.media.answers import ANSWER, NothingRead, PictureRead, SoundRead
from services.attachments.media.contents import MOST_BYTES, CannotBeRead, Reason
from services.attachments.media.framing import END, LENGTH, READY
from services.attachments.media.limits import Limits

MODULE = "services.attachments.media.worker"
ROOT = Path(__file__).parents[3]
LONGEST_LINE = 64 * 1024
PATIENCE = 30.0  # seconds until it has started
OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGALRM)

type Read = tuple[PictureRead | SoundRead, list[bytes]]
"""What was read, and the previews behind it."""


class Worker:
    """A process in a session of its own, with one socket to us and nothing else of ours: no files, no variables, no terminal."""

    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, jobs: int) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._jobs_left = jobs
        self.well = True
        """It waits for its next job. One that did not answer to the end, for whatever reason, is not used again."""

    @classmethod
    async def start(cls, limits: Limits) -> Self:
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_LINE)
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-B", "-m", MODULE, *limits.words()),
                    stdin=theirs.fileno(),
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                    env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "1"},
                    cwd="/",
                    close_fds=True,
                    start_new_session=True,
                )
            except BaseException:
                writer.transport.abort()
                raise
        return cls(process, reader, writer, limits.jobs)

    async def takes(self, job: bytes) -> bool:
        """Whether it begins with the job; one that died while nobody looked does not."""
        self.well = False
        self._jobs_left -= 1
        try:
            async with asyncio.timeout(PATIENCE):
                self._writer.write(job + b"\n")
                return await self._reader.readline() == READY
        except (OSError, TimeoutError, ValueError):
            return False

    async def read(self, chunks: AsyncIterator[bytes]) -> Read:
        """Give it the file, and take its answer."""
        await self._feed(chunks)
        try:
            return await self._answer()
        except (ValidationError, asyncio.LimitOverrunError) as error:
            raise CannotBeRead(Reason.WORKER_ENDED, "it gave no answer that could be read") from error
        except (OSError, EOFError) as error:
            raise await self._ended() from error

    async def _feed(self, chunks: AsyncIterator[bytes]) -> None:
        fed = 0
        async for chunk in chunks:
            fed += len(chunk)
            if fed > MOST_BYTES:
                raise CannotBeRead(Reason.TOO_LARGE, "more bytes than are read")
            if chunk:
                await self._send(LENGTH.pack(len(chunk)), chunk)
        await self._send(END)

    async def _send(self, *parts: bytes) -> None:
        for part in parts:  # `writelines` of Python 3.13 watches a closed socket's number, which may be another's by then
            self._writer.write(part)
        try:
            await self._writer.drain()
        except OSError as error:
            raise await self._ended() from error

    async def _answer(self) -> Read:
        answer = ANSWER.validate_json(await self._reader.readuntil(b"\n"))
        if isinstance(answer, NothingRead):
            self.well = self._jobs_left > 0 and answer.reason is not Reason.OUT_OF_MEMORY
            raise answer.refusal()
        sizes = answer.previews.values() if isinstance(answer, PictureRead) else ()
        previews = [await self._reader.readexactly(size) for size in sizes]
        self.well = self._jobs_left > 0
        return answer, previews

    async def _ended(self) -> CannotBeRead:
        """Why it closed its side."""
        code = await self.end()
        reason = Reason.OUT_OF_TIME if code in OUT_OF_TIME else Reason.WORKER_ENDED
        return CannotBeRead(reason, f"the worker ended with {code}")

    async def end(self) -> int:
        """By force, unless it ended by itself."""
        self.well = False
        self._writer.transport.abort()
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        return await self._process.wait()
