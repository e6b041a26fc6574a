"""A worker has what it took for as long as it works on it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from services.attachments.repository.leases import Leases, Taken
from services.attachments.repository.scans import Outcome, Scans
from services.attachments.workers import Workers
from shared.contracts.attachments.attachments import ScanStatus
from shared.contracts.principal import Principal
from tests.service.attachments.conftest import Service

LEASE = 1.0  # seconds


def nothing() -> None:
    """Nobody is told."""


async def test_work_that_takes_longer_than_its_lease_is_no_others_and_counts(attachments: Service, thread: UUID, agent: Principal) -> None:
    leases = Leases(attachments.background, nothing, timedelta(seconds=LEASE))
    scans = Scans(attachments.background, nothing)
    begun, done, others = asyncio.Event(), asyncio.Event(), list[Taken]()
    counted: list[bool] = []

    async def slow(taken: Taken) -> None:
        begun.set()
        await asyncio.sleep(LEASE * 3)
        counted.extend(await scans.settle([Outcome(taken, ScanStatus.CLEAN)]))
        done.set()

    async def seen(taken: Taken) -> None:
        others.append(taken)

    async def given_back(taken: Sequence[Taken]) -> None:
        """Nothing is left when the test ends."""

    first, second = (
        Workers(name, leases.to_scan, work, leases.renew, given_back, at_once=1, renew_every=LEASE / 4)
        for name, work in (("first", slow), ("second", seen))
    )
    file = await attachments.upload(thread, agent)
    first.start()
    await asyncio.wait_for(begun.wait(), 10)
    second.start()
    try:
        await asyncio.wait_for(done.wait(), 10)
    finally:
        await asyncio.gather(first.stop(), second.stop())
    assert (counted, others) == ([True], [])
    assert (await attachments.row(file))["scan_status"] == "clean"
