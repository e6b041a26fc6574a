"""A clamd that was examined, found well, and then says something else than clamd does: that makes no file clean."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest

from services.attachments.scanning.clamd import Clamd
from services.attachments.scanning.readiness import Readiness
from shared.contracts.principal import Principal
from tests.clamav import LIMIT, ClamdServer
from tests.service.attachments.scanning import Scanning, until
from tests.service.scanning.impostor import impostor, read_pieces


class Meddler:
    """Before a real clamd: hands on what is asked and answered, until it has something else to say.

    says: to files. says_to_all: to whatever is asked.
    """

    def __init__(self, clamav: ClamdServer) -> None:
        self._clamav = clamav
        self.says: bytes | None = None
        self.says_to_all: bytes | None = None

    async def act(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readline()
        said = self.says if asked == b"nINSTREAM\n" and self.says is not None else self.says_to_all
        if said is None:
            await self._hand_on(asked, reader, writer)
            return
        if asked == b"nINSTREAM\n":
            await read_pieces(reader)
        writer.write(said)
        await writer.drain()

    async def _hand_on(self, asked: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_unix_connection(self._clamav.socket)
        questions.write(asked)
        giving = asyncio.create_task(_copy(reader, questions))
        try:
            await _copy(answers, writer)
        finally:
            giving.cancel()
            questions.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(64 * 1024):
        writer.write(piece)
        await writer.drain()


@asynccontextmanager
async def meddled_with(clamav: ClamdServer) -> AsyncIterator[tuple[Meddler, str]]:
    """One, and where it listens."""
    meddler = Meddler(clamav)
    with TemporaryDirectory(prefix="clamd-") as folder:
        async with impostor(Path(folder), meddler.act) as there:
            yield meddler, there.url


@pytest.mark.parametrize(
    "said",
    [b"\xff\xfe\x00nonsense\n", b"stream: CLEAN\n", b"stream: O", b"stream: OK", b"OK\n", b""],
    ids=["no text", "another word", "half", "all but its end", "without the stream", "nothing"],
)
async def test_a_wrong_answer_is_a_try_and_the_next_right_one_counts(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal, said: bytes
) -> None:
    async with meddled_with(clamav) as (meddler, url), scanning.running(url):
        assert await scanning.ends(await scanning.attachments.upload(thread, agent)) == "clean"
        meddler.says = said
        file = await scanning.attachments.upload(thread, agent)
        await scanning.was_tried(file)
        meddler.says = None
        assert await scanning.ends(file) == "clean"
    changes = await scanning.changes(agent.user_id, file)
    assert [state for _, state in changes].count("clean") == 1


async def test_who_answers_nonsense_to_all_is_away_and_costs_no_try(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    async with meddled_with(clamav) as (meddler, url), scanning.running(url) as application:
        assert await scanning.ends(await scanning.attachments.upload(thread, agent)) == "clean"
        meddler.says_to_all = b"HTTP/1.1 400 Bad Request\r\n"
        file = await scanning.attachments.upload(thread, agent)

        async def is_away() -> bool:
            return not (await application.health())["clamd"].ok

        await until(is_away)
        assert await scanning.ends(file, "pending") == "pending"
        assert (await scanning.attachments.row(file))["attempts"] == 0
        meddler.says_to_all = None
        assert await scanning.ends(file) == "clean"


async def test_a_clamd_that_finds_nothing_any_more_is_found_out(clamav: ClamdServer) -> None:
    async with meddled_with(clamav) as (meddler, url):
        clamd = Clamd(url)
        readiness = Readiness(clamd, LIMIT, examined_every=0.1)
        keeping = asyncio.create_task(readiness.keep())
        try:
            await asyncio.wait_for(readiness.wait(), 30)
            meddler.says = b"stream: OK\n"

            async def is_doubted() -> bool:
                return not readiness.is_ready

            await until(is_doubted)
            assert "does not find the EICAR test file" in (readiness.trouble or "")
        finally:
            keeping.cancel()
            clamd.close()
