"""clamd dies, hangs or is not there; scanners die and freeze: files wait, go through by themselves, and have one verdict."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from tests.clamav import installed_clamd
from tests.faults.conftest import BOTH_STORES
from tests.faults.files import CONTENT, all_adds_up, becomes, leases_end, read, told, uploaded
from tests.faults.house import House, eventually
from tests.system.people import Json, refusal

pytestmark = BOTH_STORES

_AGE = re.compile(r'^attachment_pending_age_seconds\{process="attachments"\} (\S+)$', re.MULTILINE)
MINUTE, HOUR = 60, 3_600


@pytest.fixture(autouse=True)
def with_clamd() -> None:
    installed_clamd()


@asynccontextmanager
async def in_the_middle_of_its_scan(house: House, thread: Json) -> AsyncIterator[Json]:
    """A file whose bytes clamd has and says nothing of: it is stopped."""
    house.programs["clamd"].freeze()
    file = await uploaded(house, thread, CONTENT)
    try:
        await becomes(house, file, "scanning")
        yield file
    finally:
        house.programs["clamd"].thaw()


async def test_a_file_whose_clamd_was_killed_in_the_middle_is_scanned_when_it_is_back(house: House) -> None:
    thread = await house.opened_thread()
    async with in_the_middle_of_its_scan(house, thread) as file:
        house.programs["clamd"].kill()
        await becomes(house, file, "pending")
    assert refusal(await read(house, file)) == (409, "attachment_is_not_clean")
    later = await uploaded(house, thread, CONTENT)
    await house.programs["clamd"].start()
    for one in (file, later):
        await becomes(house, one, "clean")
    assert await told(house, file) == ["pending", "scanning", "pending", "scanning", "clean"]
    assert await tries(house, file) == 1, "a try without a clamd is none"
    await all_adds_up(house)


async def test_a_clamd_that_is_stopped_for_a_minute_which_is_longer_than_a_scan_may_take_costs_no_file_its_verdict(house: House) -> None:
    thread, begin = await house.opened_thread(), time.monotonic()
    async with in_the_middle_of_its_scan(house, thread) as file:
        later = await uploaded(house, thread, CONTENT)
        await becomes(house, file, "pending")
        await eventually(lambda: is_away(house), "the gateway says that clamd does not answer")
        await asyncio.sleep(begin + MINUTE - time.monotonic())
    for one in (file, later):
        await becomes(house, one, "clean")
        assert await tries(house, one) == 1
    await eventually(house.is_well, "all is well")
    await all_adds_up(house)


async def test_who_starts_without_a_clamd_takes_files_and_says_how_long_they_wait(house: House) -> None:
    thread = await house.opened_thread()
    house.programs["clamd"].kill()
    await house.programs["attachments"].stop()
    await house.programs["attachments"].start()
    file = await uploaded(house, thread)
    async with house.database() as admin:
        older = "UPDATE attachments.attachments SET waits_since = waits_since - interval '1 hour' WHERE id = $1"
        await admin.execute(older, UUID(file["id"]))
    await eventually(lambda: waits_for_an_hour(house), "the gateway says for how long the file has waited")
    exit_code, shown = await house.atrium("doctor", "--json")
    (finding,) = [finding for finding in json.loads(shown)["findings"] if finding["name"] == "service attachments"]
    assert (exit_code, finding["ok"]) == (1, False)
    assert "the oldest file has waited 36" in finding["detail"]
    assert "scanned by themselves once clamd is right" in finding["remedy"]
    await eventually(lambda: pending_age_is(house, HOUR, HOUR + 120), "the metric says so, too")

    assert refusal(await read(house, file)) == (409, "attachment_is_not_clean")
    await house.programs["clamd"].start()
    await becomes(house, file, "clean")
    await eventually(house.is_well, "all is well")
    await eventually(lambda: pending_age_is(house, 0, 0), "nothing waits")


async def test_a_scanner_killed_in_the_middle_of_a_scan_is_succeeded_when_its_lease_ends(house: House) -> None:
    thread = await house.opened_thread()
    async with in_the_middle_of_its_scan(house, thread) as file:
        house.programs["attachments"].kill()
    await house.mend()
    await leases_end(house)
    await becomes(house, file, "clean")
    assert await told(house, file) == ["pending", "scanning", "clean"]
    await all_adds_up(house)


async def test_a_scanner_frozen_past_its_lease_writes_nothing_when_it_thaws(house: House) -> None:
    thread, frozen, replica = await house.opened_thread(), house.programs["attachments"], house.process("attachments", name="scanner")
    async with in_the_middle_of_its_scan(house, thread) as file:
        frozen.freeze()
    try:
        await replica.start()
        await leases_end(house)
        await becomes(house, file, "clean")
        frozen.thaw()
        await eventually(lambda: "scan_came_too_late" in frozen.log.read_text(), "the first one's verdict came too late")
    finally:
        frozen.thaw()
        await replica.stop(within=10)
    assert await told(house, file) == ["pending", "scanning", "clean"]
    await all_adds_up(house)


async def clamd_in(house: House) -> str:
    """What the gateway says of a clamd that is away; files are taken all the same."""
    status, said = await house.readiness()
    clamd = said.get("dependencies", {}).get("clamd", {"ok": True})
    return "" if status != 200 or clamd["ok"] else str(clamd["detail"])


async def is_away(house: House) -> bool:
    return "the oldest file has waited" in await clamd_in(house)


async def waits_for_an_hour(house: House) -> bool:
    waited = re.search(r"cannot be reached.*; the oldest file has waited (\d+) s", await clamd_in(house))
    return waited is not None and HOUR <= int(waited[1]) < HOUR + 120


async def pending_age_is(house: House, least: float, most: float) -> bool:
    found = _AGE.search((await house.http.get("/metrics")).text)
    return found is not None and least <= float(found[1]) <= most


async def tries(house: House, file: Json) -> int:
    async with house.database() as admin:
        found: int = await admin.fetchval("SELECT attempts FROM attachments.attachments WHERE id = $1", UUID(file["id"]))
    return found
