"""Whatever ends in the middle of uploads, nothing half done is left, and who is still there goes on."""

import asyncio

import pytest

from tests.faults.conftest import BOTH_STORES
from tests.faults.files import ALL_IS_RIGHT, CONTENT, LAST, Upload, all_adds_up, shown, sizes, uploads_at_each_step
from tests.faults.holding import a_commit_is_held, commits_unanswered
from tests.faults.house import House, eventually
from tests.faults.load import ACKNOWLEDGED, NO_ANSWER, UNAVAILABLE

pytestmark = BOTH_STORES


async def test_a_gateway_killed_at_any_step_of_an_upload_leaves_nothing(house: House) -> None:
    thread = await house.opened_thread()
    async with uploads_at_each_step(house, thread) as uploads:
        house.programs["gateway"].kill()
        assert [await upload.answer() for upload in uploads] == [NO_ANSWER] * 3
    await house.mend()
    await all_adds_up(house)
    assert await shown(house, thread) == {}


@pytest.mark.parametrize("name", ["attachments", "threads", "PostgreSQL", "NATS"])
async def test_uploads_go_on_when_what_was_killed_at_any_of_their_steps_is_back(house: House, name: str) -> None:
    thread = await house.opened_thread()
    async with uploads_at_each_step(house, thread) as uploads:
        house.programs[name].kill()
        await house.mend()
        await uploads[0].half()
        for upload in uploads[:2]:
            await upload.rest()
        for upload in uploads:
            await upload.all_that_is_left()
        assert [await upload.answer() for upload in uploads] == [ACKNOWLEDGED] * 3
    assert await sizes(house, thread) == [len(LAST)] * 3 + [len(CONTENT)] * 3
    await all_adds_up(house)


@pytest.mark.parametrize("name", ["attachments", "gateway"])
async def test_an_upload_whose_answer_is_lost_is_a_file_all_the_same(house: House, name: str) -> None:
    thread = await house.opened_thread()
    upload = await Upload.begun(house, house.people[0], thread)
    await upload.half()
    await upload.rest()
    await upload.last()
    async with commits_unanswered(house):
        await upload.end()
        await a_commit_is_held(house, "attachments")
        house.programs[name].kill()
        assert await upload.answer() in (NO_ANSWER, UNAVAILABLE)
    await house.mend()
    assert await sizes(house, thread) == [len(LAST), len(CONTENT)]
    await all_adds_up(house)


async def test_uploads_that_end_while_attachments_is_away_are_refused_and_leave_nothing(house: House) -> None:
    thread = await house.opened_thread()
    async with uploads_at_each_step(house, thread) as uploads:
        house.programs["attachments"].kill()
        await uploads[0].half()
        for upload in uploads[:2]:
            await upload.rest()
        for upload in uploads:
            await upload.all_that_is_left()
        assert await asyncio.gather(*(upload.answer() for upload in uploads)) == [UNAVAILABLE] * 3
    await house.mend()
    await all_adds_up(house)
    assert await shown(house, thread) == {}


async def test_a_client_that_vanishes_at_half_of_its_upload_leaves_nothing(house: House) -> None:
    thread = await house.opened_thread()
    upload = await Upload.begun(house, house.people[0], thread)
    await upload.half()
    upload.vanish()

    async def nothing_is_left() -> bool:
        return upload.key not in await house.kept.on_its_way() and await house.kept.store.size(upload.key) is None

    await eventually(nothing_is_left, "nothing of it is in the store")
    assert await house.atrium("attachments", "verify") == ALL_IS_RIGHT
    assert await shown(house, thread) == {}
