"""Clients that read slowly, or not at all, in the midst of much: nobody waits for them, little is kept for them, and they miss nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.bursts import begun_thread, burst, cursor_now, purge
from tests.faults.following import TOO_OLD, Follower, following
from tests.faults.gateways import forgetful_gateway, more_gateways
from tests.faults.house import House, eventually
from tests.system.people import Person, expect

TOO_SLOW = 4408
MANY, LONG = 2_500, "A long story. " * 600
"""Together more than the network between two programs holds by itself."""
MEBIBYTE = 1024 * 1024
MOST_MORE = 200 * MEBIBYTE
"""Of memory, for a ring that is full twice over, and for those who do not read."""


async def test_who_does_not_read_is_closed_and_has_everything_when_it_comes_back(house: House) -> None:
    thread = await begun_thread(house)
    cursor = await cursor_now(house)
    people = [*house.people] * 4
    async with more_gateways(house, 1) as (gateway,), following([*people, house.people[0]], [gateway.url], cursor) as (*slow, quick):
        before = gateway.memory
        for follower in slow:
            follower.pings = None
            follower.reading.clear()
        await burst(house, thread, MANY, content=LONG)
        await eventually(lambda: quick.newest.get(thread["id"]) == MANY, "who reads is told all")

        async def all_are_closed() -> bool:
            return await gateway.closed_with(TOO_SLOW) == len(slow)

        await eventually(all_are_closed, "who does not read is closed")
        assert gateway.memory - before < MOST_MORE
        for follower in slow:
            follower.reading.set()
        await eventually(lambda: all(follower.newest.get(thread["id"]) == MANY for follower in slow), "all have come back")
    for follower in (*slow, quick):
        assert follower.of(thread) == [*range(2, MANY + 1)]
        assert (follower.doubles, follower.resets) == ([], [])
    assert quick.returns == 1
    assert min(follower.returns for follower in slow) > 1


async def test_who_catches_up_slowly_is_told_all_though_its_role_changes_meanwhile(house: House) -> None:
    async with catching_up_slowly(house) as (follower, somebody, thread_id):
        expect(await house.people[0].patch(f"/api/users/{somebody.id}", {"role": "admin"}), 200)
        await eventually(house.all_is_published, "the new role is in the stream")
        follower.reading.set()
        await eventually(lambda: follower.newest.get(thread_id) == MANY, "it has caught up")
        assert [place.seq for place in follower.told if place.thread == thread_id] == [*range(1, MANY + 1)]
        another = await house.opened_thread()
        await house.people[0].say(another)
        await eventually(lambda: follower.of(another) == [1], "it is live")
    assert (follower.doubles, follower.resets, set(follower.codes) - {TOO_SLOW}) == ([], [], set())


async def test_what_comes_next_may_be_gone_while_somebody_catches_up_slowly_and_they_are_told(house: House) -> None:
    async with catching_up_slowly(house) as (follower, _, thread_id):
        await purge(house, keep=10)
        follower.reading.set()
        await eventually(lambda: bool(follower.resets), "it is told of the reset")
        another = await house.opened_thread()
        await house.people[0].say(another)
        await eventually(lambda: follower.of(another) == [1], "it is live")
    told = [place.seq for place in follower.told if place.thread == thread_id]
    assert told == [*range(1, len(told) + 1)]
    assert len(told) < MANY
    assert follower.resets == [TOO_OLD]
    assert follower.returns == 1


@asynccontextmanager
async def catching_up_slowly(house: House) -> AsyncIterator[tuple[Follower, Person, str]]:
    """One who has asked for much of the stream, and reads none of it yet; who it is, and the thread."""
    cursor, thread = await cursor_now(house), await begun_thread(house)
    await burst(house, thread, MANY, content=LONG)
    await eventually(house.all_is_published, "all is in the stream")
    somebody = await house.newcomer()
    async with forgetful_gateway(house) as url:
        follower = Follower([url], somebody.access_token, cursor, pings=None)
        follower.reading.set()
        following_it = asyncio.create_task(follower.follow())
        try:
            await eventually(lambda: bool(follower.told), "it has begun")
            follower.reading.clear()
            yield follower, somebody, thread["id"]
        finally:
            following_it.cancel()
            await asyncio.gather(following_it, return_exceptions=True)
