"""The client of clamd. The package waits for its sockets, so conversations are held in a few threads."""

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Self

from services.attachments.scanning.conversation import Conversation, held, opener
from services.attachments.scanning.pieces import Pieces
from services.attachments.scanning.verdicts import ClamdIsAway, Verdict, verdict_of

AT_ONCE = 4
SCAN_WITHIN = 150.0  # seconds; clamd's own MaxScanTime is 120 where nobody set it, and ours is less
ANSWER_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Version:
    """Of clamd and of its signatures, as `27500/Fri Nov 21 08:21:11 2026`; empty for a database that has no version."""

    engine: str
    signatures: str

    @classmethod
    def of(cls, said: str) -> Self:
        engine, _, signatures = said.partition("/")
        return cls(engine.removeprefix("ClamAV "), signatures)


class Clamd:
    """clamd at `unix:///path` or `tcp://host:port`. At most `at_once` files are scanned; further ones wait for their turn.

    scan_within: seconds for a whole scan, answer_within: for connecting and for each other answer.
    """

    def __init__(self, url: str, *, at_once: int = AT_ONCE, scan_within: float = SCAN_WITHIN, answer_within: float = ANSWER_WITHIN) -> None:
        self.url = url
        self._open = opener(url, answer_within)
        self._scan_within, self._answer_within = scan_within, answer_within
        self._scans, self._questions = asyncio.Semaphore(at_once), asyncio.Semaphore(1)  # a question never waits for scans
        self._threads = ThreadPoolExecutor(at_once + 1, "clamd")

    async def scan(self, chunks: AsyncIterator[bytes]) -> Verdict:
        """What clamd says of the bytes. Raises `ClamdIsAway`, and what `chunks` raises."""
        pieces = Pieces(self._scan_within)

        def talk(conversation: Conversation) -> str:
            try:
                return conversation.instream(pieces, self._scan_within)
            finally:
                pieces.leave()

        async with self._answering(talk, self._scans, self._scan_within) as answer:
            try:
                await pieces.pour(chunks)
            finally:
                pieces.break_off()
            return verdict_of(await answer)

    async def version(self) -> Version:
        """Of clamd and of its signatures, which tells that they changed. Raises `ClamdIsAway`."""
        async with self._answering(Conversation.version, self._questions, self._answer_within) as answer:
            return Version.of(await answer)

    async def ping(self) -> None:
        """Raises `ClamdIsAway`."""
        async with self._answering(Conversation.ping, self._questions, self._answer_within) as answer:
            if await answer != "PONG":
                raise ClamdIsAway("clamd answered PING with something else than PONG")

    def close(self) -> None:
        """After this nothing can be asked."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def _answering(self, talk: Callable[[Conversation], str], turns: asyncio.Semaphore, within: float) -> AsyncIterator[Future[str]]:
        """A talk that goes on in a thread. It ends with the block, whether the block was cancelled, failed or had its answer."""
        await turns.acquire()
        conversation = self._open()
        job = self._threads.submit(held, partial(talk, conversation))
        job.add_done_callback(partial(_give_back, turns, asyncio.get_running_loop()))
        answer = asyncio.wrap_future(job)
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left who waits for it
        try:
            async with asyncio.timeout(within) as deadline:
                yield answer
        except TimeoutError as error:
            if deadline.expired():
                raise ClamdIsAway(f"clamd did not answer within {within:g} s") from error
            raise
        finally:
            conversation.hang_up()


def _give_back(turns: asyncio.Semaphore, loop: asyncio.AbstractEventLoop, _: object) -> None:
    """When the thread is free, which may be a moment after nobody waits for it any more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(turns.release)
