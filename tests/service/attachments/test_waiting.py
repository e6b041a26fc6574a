"""How long files wait for their verdict is seen, whatever they wait for."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from services.attachments.repository.inspection import Inspection
from services.attachments.repository.leases import Leases
from services.attachments.repository.scans import Outcome, Scans
from shared.contracts.attachments.attachments import ScanStatus
from shared.contracts.principal import Principal
from tests.clamav import ClamdServer
from tests.service.attachments.conftest import Service
from tests.service.attachments.faults import Faulty
from tests.service.attachments.scanning import Scanning, until

HOUR = timedelta(hours=1)


def nothing() -> None:
    """Nobody is told."""


@pytest.fixture
def scans(attachments: Service) -> Scans:
    return Scans(attachments.background, nothing)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def alone(attachments: Service) -> AsyncIterator[None]:
    """No other test's file waits."""
    yield
    await attachments.database.execute("UPDATE attachments.attachments SET deleted_at = now() WHERE deleted_at IS NULL")


async def metric_is(least: float, most: float) -> None:
    async def there() -> bool:
        return least <= (REGISTRY.get_sample_value("attachment_pending_age_seconds") or 0.0) <= most

    await until(there)


async def test_a_file_that_the_store_does_not_give_waits_says_why_and_is_scanned_once_it_does(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    attachments, faulty = scanning.attachments, Faulty(scanning.attachments.store)
    inspection = Inspection(attachments.background, nothing)
    faulty.failing.add("read")
    async with scanning.running(clamav.url, faulty):
        file = await attachments.upload(thread, agent)

        async def was_set_back() -> bool:
            row = await attachments.row(file)
            return bool(row["scan_status"] == "pending" and row["scan_result"] and row["next_try_at"] > row["updated_at"])

        async def says_why() -> bool:
            """Between two tries: each takes it again for a moment."""
            shown = await inspection.get(file.id)
            assert shown is not None
            return (shown.scan_status, shown.scan_result, shown.attempts) == ("pending", "the store does not give it: store_is_away", 0)

        await until(was_set_back)
        await attachments.aged("attachments", file.id, "waits_since", HOUR)
        await metric_is(3600, 3700)
        await until(says_why)
        faulty.mend()
        assert await scanning.ends(file) == "clean"
        await metric_is(0, 0)
    assert (await attachments.row(file))["scan_result"] is None


async def test_a_store_that_goes_away_when_it_is_asked_for_what_is_missing_costs_no_try(
    scanning: Scanning, clamav: ClamdServer, thread: UUID, agent: Principal
) -> None:
    attachments, faulty = scanning.attachments, Faulty(scanning.attachments.store)
    upload = await attachments.begin(thread, agent)
    await attachments.store.delete(upload.storage_key)
    (file,) = await attachments.finish(thread, agent, upload)
    faulty.failing.add("size")  # by which the quarantine is asked
    async with scanning.running(clamav.url, faulty):

        async def says_why() -> bool:
            return "the store does not give it" in ((await attachments.row(file))["scan_result"] or "")

        await until(says_why)
        assert (await attachments.row(file))["attempts"] == 0


async def test_a_file_waits_through_leases_and_tries(attachments: Service, scans: Scans, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.aged("attachments", file.id, "waits_since", HOUR)
    (taken,) = await Leases(attachments.background, nothing).to_scan(1)
    assert 3600 <= await scans.oldest() < 3700
    await scans.settle([Outcome(taken, ScanStatus.PENDING, "it was not to be", wait=HOUR)])
    assert 3600 <= await scans.oldest() < 3700


async def test_a_file_that_is_scanned_again_waits_from_then_on(attachments: Service, scans: Scans, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.scanned(file)
    await attachments.aged("attachments", file.id, "waits_since", HOUR)
    assert await scans.oldest() == 0
    inspection = Inspection(attachments.background, nothing)
    assert await inspection.scan_same_bytes(file.id, await inspection.now(), 10) == 1
    assert 0 < await scans.oldest() < 60


async def test_a_file_that_came_while_scanning_was_off_waits_from_when_it_is_on(
    attachments: Service, scans: Scans, thread: UUID, agent: Principal
) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.scanned(file, "unscanned")
    await attachments.aged("attachments", file.id, "waits_since", HOUR)
    await scans.let_unscanned_wait(1)
    assert 0 < await scans.oldest() < 60
