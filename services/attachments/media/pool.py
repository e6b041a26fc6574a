"""Pictures and sounds are read by a few worker processes, which files may break, fill or hang without harm to the service."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

from services.attachments.media.answers import PictureRead, SoundRead
from services.attachments.media.contents import WIDTHS, CannotBeRead, Picture, Reason, Sound
from services.attachments.media.kinds import sniff
from services.attachments.media.limits import Limits
from services.attachments.media.process import Read, Worker

WORKERS = 2
PREVIEW_TYPE = "image/webp"


class Decoders:
    """At most `count` workers: started when there is work, used for many files, replaced when they end."""

    def __init__(self, count: int = WORKERS, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._places = asyncio.Semaphore(count)
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()

    async def picture(self, chunks: AsyncIterator[bytes], widths: Sequence[int] = WIDTHS) -> Picture:
        """Of a file's bytes. Raises `CannotBeRead`, or whatever `chunks` raises."""
        if not set(widths) <= set(WIDTHS):
            raise ValueError(f"previews may be {WIDTHS} wide")
        return await self._read({"picture": list(widths)}, chunks, _picture)

    async def sound(self, chunks: AsyncIterator[bytes]) -> Sound:
        """Of a file's bytes. Raises `CannotBeRead`, or whatever `chunks` raises."""
        return await self._read({"sound": []}, chunks, _sound)

    async def close(self) -> None:
        """Jobs that are under way end with `CannotBeRead`."""
        await asyncio.gather(*(self._dismiss(worker) for worker in list(self._all)))

    async def _read[T](self, job: dict[str, list[int]], chunks: AsyncIterator[bytes], known: Callable[[Read], T | None]) -> T:
        try:
            async with self._places:
                worker = await self._worker(json.dumps(job).encode())
                try:
                    read = known(await self._in_time(worker, chunks))
                    if read is None:
                        worker.well = False
                        raise CannotBeRead(Reason.WORKER_ENDED, "it answered with something else")
                    return read
                finally:
                    if worker.well:
                        self._idle.append(worker)
                    else:
                        await self._dismiss(worker)
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()

    async def _in_time(self, worker: Worker, chunks: AsyncIterator[bytes]) -> Read:
        clock = asyncio.timeout(self._limits.deadline)
        try:
            async with clock:
                return await worker.read(chunks)
        except TimeoutError as error:
            if not clock.expired():  # it was that of `chunks`
                raise
            raise CannotBeRead(Reason.OUT_OF_TIME, "it took too long") from error

    async def _worker(self, job: bytes) -> Worker:
        """One that has begun with the job: of those that wait, or a new one."""
        while self._idle:
            if await self._begun(worker := self._idle.pop(), job):
                return worker
        try:
            worker = await Worker.start(self._limits)
        except OSError as error:
            raise CannotBeRead(Reason.WORKER_ENDED, "no worker could be started") from error
        self._all.add(worker)
        if await self._begun(worker, job):
            return worker
        raise CannotBeRead(Reason.WORKER_ENDED, "a new worker did not answer")

    async def _begun(self, worker: Worker, job: bytes) -> bool:
        begun = False
        try:
            begun = await worker.takes(job)
        finally:
            if not begun:
                await self._dismiss(worker)
        return begun

    async def _dismiss(self, worker: Worker) -> None:
        self._all.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        await worker.end()


def _picture(read: Read) -> Picture | None:
    match read:
        case PictureRead() as answer, previews if all(sniff(preview) == PREVIEW_TYPE for preview in previews):
            return Picture(answer.width, answer.height, dict(zip(answer.previews, previews, strict=True)))
    return None


def _sound(read: Read) -> Sound | None:
    match read:
        case SoundRead() as answer, _:
            return Sound(answer.duration, answer.waveform)
    return None
