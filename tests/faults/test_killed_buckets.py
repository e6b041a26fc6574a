"""kill -9 of the S3 server while files are on their way: each is a file or is refused, and what was taken is scanned once it is back."""

import asyncio

import pytest

from tests.clamav import installed_clamd
from tests.faults.files import CONTENT, LAST, all_adds_up, becomes, read, sizes, uploaded, uploads_at_each_step
from tests.faults.house import House
from tests.faults.load import ACKNOWLEDGED, UNAVAILABLE
from tests.system.people import refusal

pytestmark = pytest.mark.parametrize("which", ["bucket"], indirect=True)


@pytest.mark.parametrize("comes_back", [True, False], ids=["at once", "later"])
async def test_an_upload_is_a_file_or_is_refused_and_leaves_nothing(house: House, comes_back: bool) -> None:
    thread = await house.opened_thread()
    async with uploads_at_each_step(house, thread) as uploads:
        house.programs["S3"].kill()
        if comes_back:
            await house.mend()
        await uploads[0].whatever_is_left(0)
        await uploads[1].whatever_is_left(len(CONTENT) // 2)
        await uploads[2].all_that_is_left()
        answers = await asyncio.gather(*(upload.answer() for upload in uploads))
    assert set(answers) <= {ACKNOWLEDGED, UNAVAILABLE} if comes_back else set(answers) == {UNAVAILABLE}
    await house.mend()
    taken = answers.count(ACKNOWLEDGED)
    assert await sizes(house, thread) == [len(LAST)] * taken + [len(CONTENT)] * taken
    await all_adds_up(house)


async def test_what_was_taken_is_scanned_and_read_once_it_is_back(house: House) -> None:
    installed_clamd()
    thread = await house.opened_thread()
    known = await uploaded(house, thread, CONTENT)
    await becomes(house, known, "clean")
    new = await uploaded(house, thread, CONTENT[::-1])
    house.programs["S3"].kill()
    assert refusal(await read(house, known)) == (503, "store_is_away")
    await house.mend()
    await becomes(house, new, "clean")
    for file, content in ((known, CONTENT), (new, CONTENT[::-1])):
        assert (await read(house, file)).content == content
    await all_adds_up(house)
