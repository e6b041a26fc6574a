"""Files that a scanner or a decoder does not get through with, and servers that hang."""

import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import override
from uuid import UUID

import pytest

from services.attachments.background import BackgroundWork
from services.attachments.media.contents import WIDTHS, CannotBeRead, Picture, Reason
from services.attachments.media.pool import Decoders
from services.attachments.previews import TRIES, Previewer
from services.attachments.quarantine import Quarantine
from services.attachments.repository.leases import Leases
from services.attachments.repository.previews import Previews
from services.attachments.repository.scans import Scans
from services.attachments.repository.sweeping import Sweeping
from services.attachments.scanner import MOST_TRIES, Scanner
from services.attachments.scanning.clamd import Clamd
from services.attachments.scanning.readiness import Readiness
from services.attachments.scanning.verdicts import ClamdGaveUp, Verdict
from services.attachments.sweep import Sweep, preview_key
from shared.contracts.principal import Principal
from shared.store.store import Store
from tests.clamav import LIMIT, ClamdServer
from tests.service.attachments.conftest import Service
from tests.service.attachments.faults import Faulty
from tests.service.attachments.media.samples import picture
from tests.service.attachments.presigned import kept
from tests.service.attachments.scanning import Scanning, until

BAD = b"this one is too much for me"


class Struggling(Clamd):
    """It is well, and one kind of file is too much for it."""

    def __init__(self, url: str, error: Exception) -> None:
        super().__init__(url)
        self._error = error

    @override
    async def scan(self, chunks: AsyncIterator[bytes]) -> Verdict:
        content = b"".join([chunk async for chunk in chunks])
        if content == BAD:
            raise self._error

        async def again() -> AsyncIterator[bytes]:
            yield content

        return await super().scan(again())


class Failing(Decoders):
    """Its workers end so many times before one does its work; then `before_the_end` is awaited."""

    def __init__(self, times: int, service: Service | None = None, attachment_id: UUID | None = None) -> None:
        super().__init__()
        self.tries, self._times, self._service, self._deleted = 0, times, service, attachment_id

    @override
    async def picture(self, chunks: AsyncIterator[bytes], widths: Sequence[int] = WIDTHS) -> Picture:
        self.tries += 1
        if self.tries <= self._times:
            raise CannotBeRead(Reason.WORKER_ENDED, "the worker ended")
        made = await super().picture(chunks, widths)
        if self._service is not None:
            await self._service.database.execute("UPDATE attachments.attachments SET deleted_at = now() WHERE id = $1", self._deleted)
        return made


@asynccontextmanager
async def scanner(attachments: Service, clamd: Clamd) -> AsyncIterator[Scanner]:
    leases, scans = Leases(attachments.background, nothing), Scans(attachments.background, nothing)
    quarantine, previewer = Quarantine(scans, attachments.store), previewer_of(attachments, Decoders())
    readiness = Readiness(clamd, LIMIT)
    made = Scanner(leases, scans, attachments.store, clamd, readiness, quarantine, previewer.workers)
    made.start()
    try:
        yield made
    finally:
        await made.stop()


def previewer_of(attachments: Service, decoders: Decoders, store: Store | None = None) -> Previewer:
    leases, previews = Leases(attachments.background, nothing), Previews(attachments.background, nothing)
    return Previewer(leases, previews, store or attachments.store, decoders)


def nothing() -> None:
    """Nobody is told."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ClamdGaveUp("clamd could not scan: Can't allocate memory"), "clamd could not scan: Can't allocate memory"),
        (ValueError("nobody thought of this"), "the scan broke off by a ValueError"),
    ],
    ids=["clamd's", "ours"],
)
async def test_ten_tries_on_a_clamd_that_is_well_are_enough(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal, error: Exception, said: str
) -> None:
    attachments = scanning.attachments
    bad, good = await attachments.upload(thread, agent, BAD), await attachments.upload(thread, agent)
    async with scanner(attachments, Struggling(clamav.url, error)):

        async def was_tried() -> bool:
            return bool((await attachments.row(bad))["attempts"] == 1)

        await until(was_tried)
        assert await scanning.ends(good) == "clean"
        row = await attachments.row(bad)
        assert (row["scan_status"], row["lease"], row["next_try_at"] > row["updated_at"]) == ("pending", None, True)
        await scanning.leaves_one_try(bad)
        assert await scanning.ends(bad) == "failed"
    row = await attachments.row(bad)
    assert (row["attempts"], row["scan_result"]) == (MOST_TRIES, said)


async def test_a_clamd_that_hangs_costs_no_try(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    with TemporaryDirectory(prefix="clamd-") as folder:
        clamav = ClamdServer(Path(folder) / "a")
        await clamav.start()
        async with scanner(scanning.attachments, Clamd(clamav.url, scan_within=20, answer_within=2)) as running:
            await scanning.ends(await scanning.attachments.upload(thread, agent))
            os.killpg(clamav.process.pid, signal.SIGSTOP)
            try:
                file = await scanning.attachments.upload(thread, agent)
                running.poke()

                async def is_known() -> bool:
                    return running._readiness.trouble is not None

                await until(is_known)
                assert await scanning.status(file) in ("pending", "scanning")
            finally:
                os.killpg(clamav.process.pid, signal.SIGCONT)
            assert await scanning.ends(file) == "clean"
            assert (await scanning.attachments.row(file))["attempts"] == 1
        await clamav.stop()


async def test_a_picture_is_tried_again_where_the_machine_may_be_to_blame(attachments: Service, thread: UUID, agent: Principal) -> None:
    await _stop_previews_of(attachments)
    content = picture()
    for fails, width in ((TRIES - 1, 400), (TRIES, None)):
        file, decoders = await attachments.upload(thread, agent, content), Failing(fails)
        await attachments.scanned(file)
        previewer = previewer_of(attachments, decoders)
        previewer.start()

        async def is_previewed(file_id: UUID = file.id) -> bool:
            return bool(
                await attachments.database.fetchval("SELECT previewed_at IS NOT NULL FROM attachments.attachments WHERE id = $1", file_id)
            )

        await until(is_previewed)
        await previewer.stop()
        assert (decoders.tries, (await attachments.row(file))["width"]) == (TRIES, width)


async def test_previews_of_what_was_deleted_meanwhile_are_not_kept(attachments: Service, thread: UUID, agent: Principal) -> None:
    await _stop_previews_of(attachments)
    file = await attachments.upload(thread, agent, picture())
    decoders = Failing(0, attachments, file.id)
    await attachments.scanned(file)
    previewer = previewer_of(attachments, decoders)
    previewer.start()

    async def is_done() -> bool:
        return bool(decoders.tries) and not previewer.workers.busy

    await until(is_done)
    await previewer.stop()
    row = await attachments.row(file)
    assert (row["preview_widths"], row["previewed_at"]) == ([], None)
    assert [await attachments.store.size(preview_key(file.id, width)) for width in (160, 320)] == [None, None]


@pytest.mark.parametrize("way", ["failing", "late", "once"])
async def test_previews_of_what_was_deleted_meanwhile_that_cannot_be_deleted_now_go_with_the_file(
    way: str, attachments: Service, thread: UUID, agent: Principal
) -> None:
    await _stop_previews_of(attachments)
    file, faulty = await attachments.upload(thread, agent, picture()), Faulty(attachments.store)
    getattr(faulty, way).add("delete")
    await attachments.scanned(file)
    previewer = previewer_of(attachments, Failing(0, attachments, file.id), faulty)
    previewer.start()

    async def has_failed() -> bool:
        return bool(faulty.calls["delete"]) and not previewer.workers.busy

    await until(has_failed)
    await previewer.stop()
    await attachments.aged("attachments", file.id, "updated_at", timedelta(minutes=2))
    await Sweep(Sweeping(attachments.background), attachments.store, quarantine_days=30).once()
    assert (await attachments.row(file))["purged_at"] is not None
    assert not [key for key in await kept(attachments) if file.id.hex in key]


async def _stop_previews_of(attachments: Service) -> None:
    """So that the test's are the only ones."""
    work: BackgroundWork = attachments.application._work
    await work._previewer.stop()
