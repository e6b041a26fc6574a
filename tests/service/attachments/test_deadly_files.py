"""A file of which clamd dies takes no other file with it, and is given up in the end."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from shared.contracts.principal import Principal
from tests.clamav import ClamdServer
from tests.service.attachments.scanning import Scanning, until
from tests.service.scanning.impostor import impostor

DEADLY = b"clamd dies of this"
DEAD_FOR = 0.5  # seconds


class Mortal:
    """A clamd that dies of one file, with all that it was scanning, and is started again by somebody."""

    def __init__(self, clamav: ClamdServer) -> None:
        self._clamav = clamav
        self._open: set[asyncio.StreamWriter] = set()
        self._lives_from = 0.0
        self.deaths = 0

    async def act(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asyncio.get_running_loop().time() < self._lives_from:
            return
        answers, questions = await asyncio.open_unix_connection(self._clamav.socket)
        self._open.add(writer)
        answering = asyncio.create_task(_copy(answers, writer))
        try:
            while piece := await reader.read(64 * 1024):
                if DEADLY in piece:
                    self._die()
                    return
                questions.write(piece)
                await questions.drain()
            await answering
        finally:
            self._open.discard(writer)
            answering.cancel()
            questions.close()

    def _die(self) -> None:
        self.deaths += 1
        self._lives_from = asyncio.get_running_loop().time() + DEAD_FOR
        for writer in self._open:
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(64 * 1024):
        writer.write(piece)
        await writer.drain()


async def test_a_file_of_which_clamd_dies_is_found_out_and_fails_while_all_others_become_clean(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    mortal, attachments = Mortal(clamav), scanning.attachments
    with TemporaryDirectory(prefix="clamd-") as folder:
        async with impostor(Path(folder), mortal.act) as there, scanning.running(there.url):
            deadly = await attachments.upload(thread, agent, content=DEADLY)
            others = [await attachments.upload(thread, agent) for _ in range(5)]
            assert [await scanning.ends(file) for file in others] == ["clean"] * 5

            async def was_tried() -> bool:
                row = await attachments.row(deadly)
                return bool(row["attempts"] and row["scan_status"] == "pending")

            await until(was_tried)
            assert mortal.deaths == 1 + (await attachments.row(deadly))["attempts"], "once with the others, and then alone"
            assert [(await attachments.row(file))["attempts"] for file in others] == [1] * 5, "by which they became clean"
            await scanning.leaves_one_try(deadly)
            assert await scanning.ends(deadly) == "failed"
