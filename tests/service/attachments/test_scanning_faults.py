"""What goes wrong around a scan, and does not go wrong with the file."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from clamd import EICAR

from services.attachments.repository.leases import Leases
from services.attachments.repository.scans import Outcome, Scans, quarantine_key
from shared.contracts.attachments.attachments import Attachment, ScanStatus
from shared.contracts.principal import Principal
from tests.clamav import ClamdServer
from tests.service.attachments.conftest import BOTH_STORES
from tests.service.attachments.scanning import Scanning, until

pytestmark = BOTH_STORES


async def test_files_wait_while_clamd_is_stopped_and_go_through_by_themselves(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    with TemporaryDirectory(prefix="clamd-") as folder:
        clamav = ClamdServer(Path(folder) / "a")
        async with scanning.running(clamav.url) as application:
            file = await scanning.attachments.upload(thread, agent)
            await scanning.attachments.aged("attachments", file.id, "waits_since", timedelta(seconds=90))

            async def is_said() -> bool:
                clamd = (await application.health())["clamd"]
                said = clamd.detail or ""
                return not clamd.ok and not clamd.needed and "cannot be reached" in said and "has waited 9" in said

            await until(is_said)
            assert await scanning.status(file) == "pending"
            await clamav.start()
            assert await scanning.ends(file) == "clean"
            assert (await application.health())["clamd"].ok
            await clamav.stop()
            later = await scanning.attachments.upload(thread, agent)

            async def is_away() -> bool:
                return not (await application.health())["clamd"].ok

            await until(is_away)
            assert await scanning.ends(later, "pending") == "pending"
            await clamav.start()
            assert await scanning.ends(later) == "clean"
            assert (await scanning.attachments.row(later))["attempts"] == 1, "a try without a clamd is none"
            await clamav.stop()


async def test_a_clamd_that_is_set_up_wrongly_scans_nothing(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    with TemporaryDirectory(prefix="clamd-") as folder:
        clamav = ClamdServer(Path(folder) / "a", others={"AlertEncrypted": "no"})
        await clamav.start()
        async with scanning.running(clamav.url) as application:
            file = await scanning.attachments.upload(thread, agent)

            async def is_said() -> bool:
                return "set `AlertEncrypted yes`" in ((await application.health())["clamd"].detail or "")

            await until(is_said)
            assert await scanning.status(file) == "pending"
        await clamav.stop()
    await scanning.attachments.scanned(file)


async def test_what_a_killed_worker_had_is_scanned_when_its_lease_ends(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    """And what the first finds afterwards counts for nothing."""
    file = await scanning.attachments.upload(thread, agent, EICAR)
    leases, scans = Leases(scanning.attachments.background, nothing), Scans(scanning.attachments.background, nothing)
    (taken,) = [one for one in await leases.to_scan(100) if one.file.id == file.id]
    async with scanning.running(clamav.url):
        await asyncio.sleep(0.2)
        assert await scanning.status(file) == "scanning"
        await scanning.attachments.aged("attachments", file.id, "next_try_at", timedelta(seconds=61))
        assert await scanning.ends(file) == "infected"
        assert await scans.settle([Outcome(taken, ScanStatus.CLEAN)]) == [False]
    assert await scanning.status(file) == "infected"
    changes = await scanning.changes(agent.user_id, file)
    assert changes == [("uploaded", "pending"), ("scanned", "scanning"), ("scanned", "infected")]


async def test_a_worker_that_stops_gives_back_what_it_has(scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal) -> None:
    files = [await scanning.attachments.upload(thread, agent, bytes(4_000_000)) for _ in range(20)]
    async with scanning.running(clamav.url):
        await scanning.ends(files[0], "scanning", "clean")
    assert {await scanning.status(file) for file in files} <= {"pending", "clean"}
    async with scanning.running(clamav.url):
        assert {await scanning.ends(file) for file in files} == {"clean"}


async def test_two_workers_never_publish_two_verdicts(scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal) -> None:
    files = [await scanning.attachments.upload(thread, agent, b"%d" % number) for number in range(60)]
    async with scanning.running(clamav.url), scanning.running(clamav.url):
        assert {await scanning.ends(file) for file in files} == {"clean"}
    for file in files:
        changes = await scanning.changes(agent.user_id, file)
        assert changes == [("uploaded", "pending"), ("scanned", "scanning"), ("scanned", "clean")]


async def test_files_that_came_while_scanning_was_off_are_scanned_when_it_is_on_again(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    attachments = scanning.attachments
    file = await attachments.upload(thread, agent)
    await attachments.scanned(file, "unscanned")
    async with scanning.running(clamav.url, scanning="off") as application:
        assert (await application.health())["clamd"].notice == "ATRIUM_SCANNING is off: files are served as they came"
        assert await scanning.status(file) == "unscanned"
    async with scanning.running(clamav.url):
        assert await scanning.ends(file) == "clean"
    changes = await scanning.changes(agent.user_id, file)
    assert changes == [("uploaded", "pending"), ("scanned", "pending"), ("scanned", "scanning"), ("scanned", "clean")]


async def test_a_move_into_quarantine_that_was_broken_off_is_finished(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    attachments = scanning.attachments
    before, between = await attachments.upload(thread, agent), await attachments.upload(thread, agent)
    for file in (before, between):
        await attachments.scanned(file, "infected")
    await attachments.store.move((await attachments.row(between))["storage_key"], quarantine_key(between.id))
    async with scanning.running(clamav.url):
        for file in (before, between):

            async def is_moved(file: Attachment = file) -> bool:
                return bool((await attachments.row(file))["storage_key"] == quarantine_key(file.id))

            await until(is_moved)
            assert await attachments.store.size(quarantine_key(file.id)) == file.size


def nothing() -> None:
    """Nobody is told."""


async def test_what_clamd_says_of_half_a_file_is_not_said_of_the_file(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    file = await scanning.attachments.upload(thread, agent, b"all of it")
    await scanning.attachments.store.write((await scanning.attachments.row(file))["storage_key"], once(b"all"))
    await scanning.leaves_one_try(file)
    async with scanning.running(clamav.url):
        assert await scanning.ends(file) == "failed"
    assert (await scanning.attachments.row(file))["scan_result"] == "its bytes are not in the store"


async def test_what_was_moved_to_quarantine_by_who_was_killed_is_found_when_it_is_scanned_again(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    file = await scanning.attachments.upload(thread, agent)
    await scanning.attachments.store.move((await scanning.attachments.row(file))["storage_key"], quarantine_key(file.id))
    async with scanning.running(clamav.url):
        assert await scanning.ends(file) == "clean"
    assert (await scanning.attachments.row(file))["storage_key"] == quarantine_key(file.id)


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content
