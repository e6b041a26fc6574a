"""Many writers at once."""

import asyncio

from tests.faults.house import House
from tests.faults.load import Attempt, running_load, until_acknowledged
from tests.faults.reading import all_is_read_and_told_once

RETRIES, WRITERS, MESSAGES = 1_000, 20, 500
COME_AGAIN = 1.0
"""Seconds."""


async def test_a_thousand_retries_of_one_post_at_once_are_one_message_and_one_event(house: House) -> None:
    thread, attempts = await house.opened_thread(), list[Attempt]()
    async with running_load(house) as load:
        same = (
            until_acknowledged(house.people[0], thread, "the-only-one", "Said once", attempts, pause=COME_AGAIN) for _ in range(RETRIES)
        )
        answers = await asyncio.gather(*same)
    (said,) = {said for _, said in answers}
    made = [answer.replayed for answer, _ in answers].count(False)
    assert made == 1 or (made == 0 and len(attempts) > RETRIES), "only where a client came again may nobody have heard the first answer"
    async with house.database() as admin:
        assert await admin.fetchval("SELECT count(*) FROM messages.outbox WHERE subject LIKE $1", f"%.{thread['id']}") == 1
    await all_is_read_and_told_once(house, thread, [said])
    await load.adds_up()


async def test_twenty_writers_into_one_thread_leave_no_gap_and_no_double(house: House) -> None:
    async with running_load(house, WRITERS, threads=1) as load:
        while len(load.attempts) < MESSAGES:
            await load.goes_on()
    await load.adds_up()
