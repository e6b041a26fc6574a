"""What is measured of files, one method a scenario."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx2
import psutil

from shared.contracts.attachments.scans import RESCAN, Rescan
from shared.messaging.caller import Caller
from tests.bench.files import bare
from tests.bench.files.forms import BOUNDARY, form, path_of, pieces, upload
from tests.bench.files.measures import Compared, FilesMeasured, Grown
from tests.bench.history import Connection
from tests.bench.house import House
from tests.bench.http import Response, request
from tests.bench.load import Generator, Plan
from tests.bench.people import People
from tests.processes import HOST

MEBIBYTE = 1024 * 1024
LARGE, SMALL, ONE, HUGE = 5 * MEBIBYTE, 50 * 1024, MEBIBYTE, 50 * MEBIBYTE
SCANNED_AT_ONCE = 8  # as the scanner does
SENT_AT_ONCE = READ_AT_ONCE = 20
A_FORM = 10
_SCANS_MAY_TAKE = _UPLOADS_MAY_TAKE = 120.0
_LOOKED_EVERY = 0.005
_SCANS_LOOKED_AT_EVERY = 0.025  # of seconds: whoever asks more often takes what clamd would have


@dataclass
class FileScenarios:
    """Each compares with the same bytes without Atrium, in turn, `rounds` times."""

    house: House
    store: Path
    clamd: Path
    operator: Caller
    generator: Generator
    database: Connection
    people: People
    rounds: int
    results: FilesMeasured
    say: Callable[[str], None]

    async def scanning(self) -> None:
        """Small files have more rounds: theirs are short, and differ by a third."""
        for name, size, files, rounds in (("5 MB", LARGE, 24, self.rounds), ("50 KB", SMALL, 500, 3 * self.rounds)):
            content = os.urandom(size)
            attachment = await self._uploaded(content, files)
            ours, straight = [], []
            for number in range(1, rounds + 1):
                self.say(f"scans, {name}, round {number}")
                straight.append(files / await bare.scanned(self.clamd, content, files, SCANNED_AT_ONCE))
                ours.append(files / await self._scanned_again(attachment))
            self.results.compared.append(Compared(f"scans, {name}", SCANNED_AT_ONCE, "files/s", ours, straight))
            await self._forget_files()

    async def uploads(self, name: str, size: int, files: int) -> None:
        """As many files as the script writes. Where files are scanned, those that came are while the next ones come."""
        content = os.urandom(size)
        request = upload(self.people.threads[0], self.people.all[0].access_token, content)
        ours, written = [], []
        for number in range(1, self.rounds + 1):
            self.say(f"{name}, round {number}")
            written.append(files * size / MEBIBYTE / await bare.written(self.store, content, files, SENT_AT_ONCE))
            load = Plan(HOST, self.house.port, [request], SENT_AT_ONCE, _UPLOADS_MAY_TAKE, 201, warmup=0, in_all=files)
            ours.append(await self._megabytes_a_second(load, size))
            await self._forget_files()
        self.results.compared.append(Compared(name, SENT_AT_ONCE, "MiB/s", ours, written))

    async def downloads(self) -> None:
        """A 5 MB file."""
        attachment = await self._uploaded(os.urandom(LARGE), 1)
        key = await self.database.fetchval("SELECT storage_key FROM attachments.attachments WHERE id = $1", attachment)
        ours: list[float] = []
        static: list[float] = []
        get = request("GET", f"/api/collab/attachments/{attachment}", self.people.all[0].access_token)
        async with bare.served(self.store) as port:
            for number in range(1, self.rounds + 1):
                self.say(f"downloads, round {number}")
                plain = request("GET", f"/{key}", "none")
                for rates, from_port, asked in ((static, port, plain), (ours, self.house.port, get)):
                    rates.append(await self._megabytes_a_second(Plan(HOST, from_port, [asked], READ_AT_ONCE, 3, 200, warmup=0.5), LARGE))
        self.results.compared.append(Compared("downloads, 5 MB", READ_AT_ONCE, "MiB/s", ours, static))
        await self._forget_files()

    async def until_clean(self) -> None:
        """1 MB files, one after the other, on a machine that does nothing else."""
        self.say("from 201 to clean")
        headers = self._headers()
        async with httpx2.AsyncClient(base_url=self.house.url, timeout=30) as client:
            for _ in range(20 * self.rounds):
                body = form(os.urandom(ONE))
                answer = await client.post(path_of(self.people.threads[0]), content=body, headers=headers)
                answered = time.perf_counter()
                await self._until(partial(self._is_clean, UUID(answer.json()["id"])))
                self.results.clean_ms.append((time.perf_counter() - answered) * 1_000)
        await self._forget_files()

    async def memory(self) -> None:
        """Of each process, while 20 files of 50 MB come and the first of them are scanned."""
        self.say("memory, 20 files of 50 MB")
        await self._uploaded(os.urandom(LARGE), A_FORM)
        processes = {name: psutil.Process(program.process.pid) for name, program in self.house.own.items()}
        before = {name: process.memory_info().rss for name, process in processes.items()}
        most = dict(before)

        async def look() -> None:
            while True:
                for name, process in processes.items():
                    most[name] = max(most[name], process.memory_info().rss)
                await asyncio.sleep(_LOOKED_EVERY)

        looking, content = asyncio.create_task(look()), os.urandom(HUGE)
        await asyncio.gather(*(self._send(content) for _ in range(SENT_AT_ONCE)))
        await self._until(self._some_are_clean)
        looking.cancel()
        self.results.grown += [Grown(name, before[name] / MEBIBYTE, most[name] / MEBIBYTE) for name in processes]
        await self._forget_files()

    async def _uploaded(self, content: bytes, files: int) -> UUID:
        """So many files of these bytes, all clean; the id of one."""
        headers, path = self._headers(), path_of(self.people.threads[0])
        async with httpx2.AsyncClient(base_url=self.house.url, timeout=60) as client:
            for begin in range(0, files, A_FORM):
                answer = await client.post(path, content=form(content, min(A_FORM, files - begin)), headers=headers)
                if answer.status_code != 201:
                    raise RuntimeError(f"an upload was answered with {answer.status_code}: {answer.text}")
        await self._until(self._all_are_clean)
        found: UUID = await self.database.fetchval("SELECT id FROM attachments.attachments LIMIT 1")
        return found

    async def _scanned_again(self, attachment: UUID) -> float:
        """Seconds from when all files of the same bytes wait to the last verdict. One call takes no more than 500."""
        await self.operator(RESCAN, Rescan(attachment_id=attachment), None)
        begin = time.perf_counter()
        await self._until(self._all_are_clean, every=_SCANS_LOOKED_AT_EVERY)
        return time.perf_counter() - begin

    async def _megabytes_a_second(self, plan: Plan, size: int) -> float:
        load = await self.generator.run(plan)
        for answer, count in load.unexpected.items():
            self.results.unexpected[answer] = self.results.unexpected.get(answer, 0) + count
        return load.per_second * size / MEBIBYTE

    async def _send(self, content: bytes) -> None:
        """An upload that holds little of it at a time."""
        reader, writer = await asyncio.open_connection(HOST, self.house.port)
        for piece in pieces(self.people.threads[0], self.people.all[0].access_token, content):
            writer.write(piece)
            await writer.drain()
        response = Response()
        while not response.feed(await reader.read(65_536)):
            pass
        writer.close()
        if response.status != 201:
            self.results.unexpected[response.refusal] = self.results.unexpected.get(response.refusal, 0) + 1

    async def _until(self, condition: Callable[[], Awaitable[bool]], *, every: float = _LOOKED_EVERY) -> None:
        async with asyncio.timeout(_SCANS_MAY_TAKE):
            while not await condition():
                await asyncio.sleep(every)

    async def _is_clean(self, attachment: UUID) -> bool:
        query = "SELECT scan_status = 'clean' FROM attachments.attachments WHERE id = $1"
        return bool(await self.database.fetchval(query, attachment))

    async def _all_are_clean(self) -> bool:
        waits = "SELECT EXISTS (SELECT FROM attachments.attachments WHERE scan_status IN ('pending', 'scanning') AND deleted_at IS NULL)"
        return not await self.database.fetchval(waits)

    async def _some_are_clean(self) -> bool:
        """Of the large ones: as many as are scanned at once."""
        query = "SELECT count(*) FROM attachments.attachments WHERE scan_status = 'clean' AND size_bytes = $1"
        return bool(await self.database.fetchval(query, HUGE) >= SCANNED_AT_ONCE)

    async def _forget_files(self) -> None:
        """So that the disk does not fill; what is still being scanned is let go."""
        await self.database.execute("DELETE FROM attachments.attachments")
        await asyncio.to_thread(_empty, [*(self.store / "files").rglob("*")])

    def _headers(self) -> dict[str, str]:
        token = self.people.all[0].access_token
        return {"authorization": f"Bearer {token}", "content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def _empty(paths: Sequence[Path]) -> None:
    for path in paths:
        if path.is_file():
            path.unlink(missing_ok=True)
