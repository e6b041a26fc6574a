"""Many writers at once."""

import asyncio

from tests.faults.house import House
from tests.faults.load import ACKNOWLEDGED, Attempt, attempt, running_load
from tests.faults.reading import all_is_read_and_told_once
from tests.system.people import Json

RETRIES, WRITERS, MESSAGES = 1_000, 20, 500


async def test_a_thousand_retries_of_one_post_at_once_are_one_message_and_one_event(house: House) -> None:
    thread = await house.opened_thread()
    async with running_load(house) as load:
        answers = await asyncio.gather(*(until_acknowledged(house, thread) for _ in range(RETRIES)))
    (said,) = {answer.said for answer in answers}
    assert said is not None
    assert [answer.replayed for answer in answers].count(False) <= 1, "the first answer may have been lost on its way"
    async with house.database() as admin:
        assert await admin.fetchval("SELECT count(*) FROM messages.outbox WHERE subject LIKE $1", f"%.{thread['id']}") == 1
    await all_is_read_and_told_once(house, thread, [said])
    await load.adds_up()


async def until_acknowledged(house: House, thread: Json) -> Attempt:
    """As a client does that has no answer in time, or is told to come again."""
    while (answer := await attempt(house.people[0], thread, "the-only-one", "Said once")).status != ACKNOWLEDGED:
        await asyncio.sleep(1)
    return answer


async def test_twenty_writers_into_one_thread_leave_no_gap_and_no_double(house: House) -> None:
    async with running_load(house, WRITERS, threads=1) as load:
        while len(load.attempts) < MESSAGES:
            await load.goes_on()
    await load.adds_up()
