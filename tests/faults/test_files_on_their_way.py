"""kill -9 of attachments between what it does to an object and what it says of it: whoever comes after it ends what it began."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from clamd import EICAR

from tests.clamav import installed_clamd
from tests.faults.conftest import BOTH_STORES
from tests.faults.files import all_adds_up, becomes, leases_end, read, shown, told, uploaded
from tests.faults.holding import a_change_is_held, changes_of_files_held
from tests.faults.house import House, eventually
from tests.service.attachments.media.samples import picture
from tests.system.people import Json, expect, refusal

pytestmark = BOTH_STORES

VERDICT = "OLD.scan_status = 'scanning' AND NEW.scan_status IN ('clean', 'infected')"
MOVE = "OLD.storage_key <> NEW.storage_key"
PREVIEW = "OLD.previewed_at IS NULL AND NEW.preview_widths <> '{}'"
DELETION = "OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL"
PURGE = "NEW.purged_at IS NOT NULL"


@pytest.fixture(autouse=True)
def with_clamd() -> None:
    installed_clamd()


@asynccontextmanager
async def killed_before(house: House, change: str) -> AsyncIterator[None]:
    """Attachments is killed when it would change a row so, and started again afterwards."""
    async with changes_of_files_held(house, change):
        yield
        await a_change_is_held(house)
        house.programs["attachments"].kill()
    await house.mend()
    await leases_end(house)


async def test_a_file_whose_scanner_was_killed_is_scanned_again_and_has_one_verdict(house: House) -> None:
    thread = await house.opened_thread()
    async with killed_before(house, VERDICT):
        file = await uploaded(house, thread)
    await becomes(house, file, "clean")
    assert await told(house, file) == ["pending", "scanning", "clean"]
    await all_adds_up(house)


async def test_a_move_into_quarantine_is_ended_by_the_next(house: House) -> None:
    thread = await house.opened_thread()
    async with killed_before(house, MOVE):
        file = await uploaded(house, thread, EICAR)
    await eventually(lambda: is_in_quarantine(house, file), "the file is in quarantine")
    assert (await shown(house, thread))[file["id"]]["scanStatus"] == "infected"
    assert refusal(await read(house, file)) == (409, "attachment_is_not_clean")
    await all_adds_up(house)


async def test_a_preview_is_made_again(house: House) -> None:
    thread = await house.opened_thread()
    async with killed_before(house, PREVIEW):
        file = await uploaded(house, thread, picture())

    async def has_a_preview() -> bool:
        return bool((await shown(house, thread))[file["id"]]["previewAvailable"])

    await eventually(has_a_preview, "there is a preview")
    assert (await read(house, file, "/preview?width=160")).status_code == 200
    await all_adds_up(house)


async def test_a_deletion_that_was_not_committed_is_none_and_can_be_asked_for_again(house: House) -> None:
    thread = await house.opened_thread()
    file = await uploaded(house, thread, picture())
    await becomes(house, file, "clean")
    async with changes_of_files_held(house, DELETION):
        asked = asyncio.create_task(house.people[0].delete(file["url"]))
        await a_change_is_held(house, by="atrium_attachments")
        house.programs["attachments"].kill()
        assert refusal(await asked) == (503, "service_is_unavailable")
    await house.mend()
    assert list(await shown(house, thread)) == [file["id"]]
    expect(await house.people[0].delete(file["url"]), 204)
    await all_adds_up(house)


async def test_an_object_that_was_deleted_from_the_store_is_deleted_there_once_more(house: House) -> None:
    thread = await house.opened_thread()
    file = await uploaded(house, thread, picture())
    await becomes(house, file, "clean")
    expect(await house.people[0].delete(file["url"]), 204)
    async with house.database() as admin:
        older = "UPDATE attachments.attachments SET updated_at = updated_at - interval '1 hour' WHERE id = $1"
        await admin.execute(older, UUID(file["id"]))
    house.programs["attachments"].kill()
    async with changes_of_files_held(house, PURGE):
        await house.programs["attachments"].start()  # it sweeps as it starts
        await a_change_is_held(house)
        house.programs["attachments"].kill()
    await house.mend()
    await all_adds_up(house)


async def is_in_quarantine(house: House, file: Json) -> bool:
    async with house.database() as admin:
        key = await admin.fetchval("SELECT storage_key FROM attachments.attachments WHERE id = $1", UUID(file["id"]))
    return str(key).startswith("quarantine/") and await house.kept.store.size(key) is not None
