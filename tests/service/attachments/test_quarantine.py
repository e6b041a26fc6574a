"""What was found infected leaves nothing behind when its time is over, and what cannot be moved or deleted holds up nothing else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import override
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from services.attachments import due
from services.attachments.quarantine import Quarantine
from services.attachments.repository.scans import Scans, quarantine_key
from services.attachments.repository.sweeping import Purgeable, Purged, Sweeping
from services.attachments.sweep import Sweep
from shared.contracts.attachments.attachments import DELETE_ATTACHMENT, Attachment, DeleteAttachment
from shared.contracts.principal import Principal
from shared.store.store import StoreIsAway
from tests.service.attachments.conftest import BOTH_STORES, Service
from tests.service.attachments.faults import Faulty

pytestmark = BOTH_STORES

DAYS = 30


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def alone(attachments: Service) -> None:
    """The service's own rounds would do now and then what these tests want undone."""
    await attachments.application._sweep.stop()
    await attachments.application._work._quarantine.stop()


@pytest.fixture
def faulty(attachments: Service) -> Faulty:
    return Faulty(attachments.store)


def sweep_of(attachments: Service, store: Faulty | None = None, sweeping: Sweeping | None = None) -> Sweep:
    return Sweep(sweeping or Sweeping(attachments.background), store or attachments.store, quarantine_days=DAYS)


def quarantine_of(attachments: Service, store: Faulty | None = None) -> Quarantine:
    return Quarantine(Scans(attachments.background, nothing), store or attachments.store)


def nothing() -> None:
    """Nobody is told."""


async def infected(attachments: Service, thread: UUID, agent: Principal, status: str = "infected") -> Attachment:
    """One in quarantine whose time is over; status: what a later scan made of it."""
    file = await attachments.upload(thread, agent)
    await attachments.scanned(file, "infected")
    await quarantine_of(attachments).once()
    await attachments.scanned(file, status)
    await attachments.aged("attachments", file.id, "scanned_at", timedelta(days=DAYS, minutes=1))
    await attachments.aged("attachments", file.id, "updated_at", timedelta(minutes=2))
    return file


async def is_there(attachments: Service, file: Attachment) -> bool:
    return await attachments.store.size((await attachments.row(file))["storage_key"]) is not None


async def is_purged(attachments: Service, file: Attachment) -> bool:
    return (await attachments.row(file))["purged_at"] is not None


@pytest.mark.parametrize("status", ["infected", "unscannable", "failed"])
async def test_what_a_later_scan_did_not_clear_goes_after_its_time(
    status: str, attachments: Service, thread: UUID, agent: Principal
) -> None:
    file = await infected(attachments, thread, agent, status)
    await sweep_of(attachments).once()
    assert (await is_there(attachments, file), await is_purged(attachments, file)) == (False, True)


@pytest.mark.parametrize("status", ["pending", "scanning", "clean"])
async def test_what_may_be_served_yet_stays(status: str, attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await infected(attachments, thread, agent, status)
    await sweep_of(attachments).once()
    assert (await is_there(attachments, file), await is_purged(attachments, file)) == (True, False)


async def test_what_could_never_be_scanned_stays(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.scanned(file, "unscannable")
    await attachments.aged("attachments", file.id, "scanned_at", timedelta(days=DAYS, minutes=1))
    await attachments.aged("attachments", file.id, "updated_at", timedelta(minutes=2))
    await sweep_of(attachments).once()
    assert (await is_there(attachments, file), await is_purged(attachments, file)) == (True, False)


async def test_a_move_that_was_broken_off_half_way_leaves_nothing_of_a_deleted_file(
    attachments: Service, thread: UUID, agent: Principal
) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.scanned(file, "infected")
    await attachments.store.copy((await attachments.row(file))["storage_key"], quarantine_key(file.id))
    await attachments.gateway(DELETE_ATTACHMENT, DeleteAttachment(attachment_id=file.id), agent)
    await attachments.aged("attachments", file.id, "updated_at", timedelta(minutes=2))
    await sweep_of(attachments).once()
    assert (await is_there(attachments, file), await attachments.store.size(quarantine_key(file.id))) == (False, None)


async def test_a_file_that_is_scanned_again_while_it_is_due_keeps_its_bytes(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await infected(attachments, thread, agent)

    class Late(Sweeping):
        @override
        async def to_purge(self, most: int, quarantine_days: int, but: Sequence[UUID]) -> list[Purgeable]:
            found = await super().to_purge(most, quarantine_days, but)
            await attachments.scanned(file, "pending")
            return found

    await sweep_of(attachments, sweeping=Late(attachments.background)).once()
    assert (await is_there(attachments, file), await is_purged(attachments, file)) == (True, False)


async def test_nobody_has_a_file_scanned_again_while_it_is_deleted(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await infected(attachments, thread, agent)

    class Watched(Sweeping):
        @override
        @asynccontextmanager
        async def purging(self, attachment_id: UUID, quarantine_days: int) -> AsyncIterator[Purged | None]:
            async with super().purging(attachment_id, quarantine_days) as held:
                with pytest.raises(asyncpg.LockNotAvailableError):
                    await attachments.database.execute("SELECT FROM attachments.attachments WHERE id = $1 FOR UPDATE NOWAIT", file.id)
                yield held

    await sweep_of(attachments, sweeping=Watched(attachments.background)).once()
    assert await is_purged(attachments, file)


async def test_a_purge_that_was_broken_off_is_done_again(attachments: Service, faulty: Faulty, thread: UUID, agent: Principal) -> None:
    file = await infected(attachments, thread, agent)
    faulty.late.add("delete")
    with pytest.raises(StoreIsAway):
        await sweep_of(attachments, faulty).once()
    assert not await is_purged(attachments, file)
    await sweep_of(attachments).once()
    assert (await is_there(attachments, file), await is_purged(attachments, file)) == (False, True)


async def test_what_cannot_be_deleted_holds_up_no_other(
    attachments: Service, faulty: Faulty, thread: UUID, agent: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "BATCH", 2)
    uploads = [await attachments.begin(thread, agent) for _ in range(5)]
    for age, upload in enumerate(reversed(uploads)):
        await attachments.aged("uploads", upload.id, "expires_at", timedelta(minutes=62 + age))
    files = [await infected(attachments, thread, agent) for _ in range(5)]
    faulty.stuck = {upload.storage_key for upload in uploads[:3]} | {quarantine_key(file.id) for file in files[:3]}
    with pytest.raises(StoreIsAway):
        await sweep_of(attachments, faulty).once()
    assert [await attachments.store.size(upload.storage_key) is None for upload in uploads] == [False] * 3 + [True] * 2
    assert [await is_purged(attachments, file) for file in files] == [False] * 3 + [True] * 2
    await sweep_of(attachments).once()
    assert [await is_purged(attachments, file) for file in files] == [True] * 5


async def test_what_cannot_be_moved_holds_up_no_other(
    attachments: Service, faulty: Faulty, thread: UUID, agent: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "BATCH", 2)
    files = [await attachments.upload(thread, agent) for _ in range(5)]
    for file in files:
        await attachments.scanned(file, "infected")
    faulty.stuck = {(await attachments.row(file))["storage_key"] for file in files[:3]}
    with pytest.raises(StoreIsAway):
        await quarantine_of(attachments, faulty).once()

    async def are_moved() -> list[bool]:
        return [(await attachments.row(file))["storage_key"] == quarantine_key(file.id) for file in files]

    assert await are_moved() == [False] * 3 + [True] * 2
    await quarantine_of(attachments).once()
    assert await are_moved() == [True] * 5
