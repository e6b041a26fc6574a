"""What was served once is served no more when a later scan finds something, or when scanning is on again."""

import pytest

from tests.clamav import ClamdServer, installed_clamd
from tests.faults.conftest import BOTH_STORES
from tests.faults.files import all_adds_up, becomes, read, shown, uploaded
from tests.faults.house import House, eventually
from tests.faults.test_files_on_their_way import is_in_quarantine
from tests.service.attachments.media.samples import picture
from tests.system.people import expect, refusal

pytestmark = BOTH_STORES

NOT_CLEAN = (409, "attachment_is_not_clean")


@pytest.fixture(autouse=True)
def with_clamd() -> None:
    installed_clamd()


async def test_what_new_signatures_find_is_in_quarantine_and_served_no_more_by_any_way(house: House) -> None:
    thread, clamav, content = await house.opened_thread(), house.programs["clamd"], picture((401, 299))
    assert isinstance(clamav, ClamdServer)
    files = [await uploaded(house, thread, content) for _ in range(2)]

    async def have_previews() -> bool:
        return all([(await shown(house, thread))[file["id"]]["previewAvailable"] for file in files])

    await eventually(have_previews, "they are clean, and have previews")
    link = expect(await house.people[0].post(f"{files[0]['url']}/link", {}), 201)["url"]
    ways = [*(file["url"] for file in files), *(f"{file['url']}/preview?width=160" for file in files), link]
    assert [(await house.people[0].get(way)).status_code for way in ways] == [200] * len(ways)

    signature = clamav.data.parent / "signatures" / "new.ndb"
    signature.write_text(f"Found-Since-Today:0:*:{content[-80:-20].hex()}\n")
    try:
        await clamav.restart()
        assert await house.atrium("scans", "rescan", files[0]["id"]) == (0, "2 files are scanned again.\n")
        for file in files:
            await becomes(house, file, "infected")

            async def is_moved(file: dict[str, object] = file) -> bool:
                return await is_in_quarantine(house, file)

            await eventually(is_moved, "it is in quarantine")
        assert [refusal(await house.people[0].get(way)) for way in ways] == [NOT_CLEAN] * len(ways)
        await all_adds_up(house)
    finally:
        signature.unlink()
        await clamav.restart()


async def test_what_came_while_scanning_was_off_is_served_until_it_is_on_again_and_then_once_it_is_clean(house: House) -> None:
    thread, usual = await house.opened_thread(), house.programs["attachments"]
    off = house.process("attachments", name="unscanning", ATRIUM_SCANNING="off")
    house.programs["clamd"].freeze()
    waits = await uploaded(house, thread)
    await usual.stop(within=10)
    await off.start()
    try:
        file = await uploaded(house, thread)
        assert file["scanStatus"] == "unscanned"
        assert (await shown(house, thread))[file["id"]]["scanStatus"] == "unscanned"
        assert (await read(house, file)).content == b"hello"
        assert refusal(await read(house, waits)) == NOT_CLEAN, "what came before waits until it is scanned"
    finally:
        await off.stop(within=10)
    await usual.start()
    assert refusal(await read(house, file)) == NOT_CLEAN
    await becomes(house, file, "pending")
    assert refusal(await read(house, file)) == NOT_CLEAN
    house.programs["clamd"].thaw()
    for one in (file, waits):
        await becomes(house, one, "clean")
    assert (await read(house, file)).content == b"hello"
    await all_adds_up(house)
