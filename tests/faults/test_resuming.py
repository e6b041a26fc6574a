"""Coming back after long, and to where one cannot come back to."""

import asyncio
import random
import shutil
from contextlib import suppress
from datetime import timedelta

import pytest
import websockets

from shared.embedded import Nats
from shared.messaging.streams import EVENTS
from tests.faults.bursts import begun_thread, burst, cursor_now, purge
from tests.faults.following import STREAM_LOST, TOO_OLD, Follower, all_is_told, following, is_whole
from tests.faults.gateways import forgetful_gateway, more_gateways
from tests.faults.house import House, eventually
from tests.faults.load import running_load
from tests.system.people import Json, refusal

DAYS = timedelta(days=3)
MANY = 3_000


async def test_what_happened_in_days_is_read_from_the_stream_and_goes_over_into_what_happens_now(house: House) -> None:
    async with forgetful_gateway(house) as url:
        cursor, old = await cursor_now(house), await begun_thread(house, DAYS)
        await burst(house, old, MANY, age=DAYS)
        await eventually(house.all_is_published, "all is in the stream")
        async with running_load(house, writers=4) as load, following(house.people, [url], cursor) as followers:
            await all_is_told(followers, {old["id"]: MANY})
            await load.goes_on()
            await load.end()
            await all_is_told(followers, load.newest | {old["id"]: MANY})
        assert {follower.returns for follower in followers} == {1}


async def test_who_asks_in_the_midst_of_a_burst_is_told_all_of_it(house: House) -> None:
    """What was on its way to them when they asked comes once more: they asked for it."""
    async with forgetful_gateway(house) as url:
        thread = await begun_thread(house)
        async with following(house.people, [url], await cursor_before(house, thread)) as followers:
            writing = asyncio.create_task(burst(house, thread, MANY))
            while not writing.done():
                for follower in followers:
                    if follower.connected:
                        with suppress(websockets.ConnectionClosed):
                            await follower.say({"type": "resume", "cursor": follower.cursor})
                random.choice(followers).drop()
                await asyncio.sleep(0.05)
            await writing
            newest = {thread["id"]: MANY}
            await eventually(lambda: all(newest.items() <= follower.newest.items() for follower in followers), "all are told of the last")
    for follower in followers:
        is_whole(dict.fromkeys(follower.told), newest)
        assert follower.resets == []


async def test_a_replay_is_a_reset_for_who_is_there_and_for_who_comes_back(house: House) -> None:
    old_cursor, thread = await cursor_now(house), await house.opened_thread()
    async with more_gateways(house, 1) as (gateway,), following(house.people, [gateway.url]) as there:
        exit_code, shown = await house.atrium("replay", "--yes")
        assert exit_code == 0, shown
        await eventually(lambda: all(len(follower.resets) == 1 for follower in there), "all are told of the reset")
        await house.people[0].say(thread)
        await eventually(lambda: all(follower.of(thread) == [1] for follower in there), "what is new is told")
        async with following(house.people[:1], [gateway.url], old_cursor) as (back,):
            await eventually(lambda: bool(back.resets), "who comes back is told of the reset")
            await house.people[0].say(thread)
            await eventually(lambda: back.of(thread) == [2], "and of what is new alone")
        await eventually(lambda: all(follower.of(thread) == [1, 2] for follower in there), "by the others too")
    assert [follower.resets for follower in (*there, back)] == [[STREAM_LOST]] * (len(there) + 1)
    assert [(follower.returns, follower.doubles) for follower in there] == [(1, [])] * len(there)


async def test_while_the_stream_is_gone_sockets_stay_and_a_replay_resets_them(house: House) -> None:
    thread = await house.opened_thread()
    async with more_gateways(house, 1) as (gateway,), following(house.people, [gateway.url]) as followers:
        nats = house.programs["NATS"]
        assert isinstance(nats, Nats)
        nats.kill()
        shutil.rmtree(nats.data / "jetstream")
        await nats.start()
        exit_code, shown = await house.atrium("replay", "--yes")
        assert exit_code == 0, shown
        await eventually(lambda: all(follower.resets for follower in followers), "all are told of the reset")
        await eventually(house.is_well, "all is well")
        await house.people[0].say(thread)
        await eventually(lambda: all(follower.of(thread) == [1] for follower in followers), "what is new is told")
    assert {follower.returns for follower in followers} == {1}
    assert all(follower.resets == [STREAM_LOST] for follower in followers)


async def test_what_the_stream_has_let_go_of_is_a_reset(house: House) -> None:
    cursor, thread = await cursor_now(house), await begun_thread(house)
    await burst(house, thread, 100)
    await eventually(house.all_is_published, "all is in the stream")
    await purge(house, keep=50)
    async with forgetful_gateway(house) as url, following(house.people, [url], cursor) as followers:
        await eventually(lambda: all(follower.resets for follower in followers), "all are told of the reset")
        await burst(house, thread, 110, after=100)
        await eventually(lambda: all(follower.of(thread)[-10:] == [*range(101, 111)] for follower in followers), "what is new is told")
    assert all((len(follower.told), follower.resets) == (10, [TOO_OLD]) for follower in followers)


async def test_a_cursor_ahead_of_the_stream_is_a_reset(house: House) -> None:
    cursor = await cursor_now(house)
    ahead = f"{cursor[:8]}{int(cursor[8:], 16) + 1_000_000:x}"
    async with following(house.people[:1], [house.url], ahead) as (follower,):
        await eventually(lambda: bool(follower.resets), "it is told of the reset")
    assert follower.resets == [STREAM_LOST]


@pytest.mark.parametrize("cursor", ["nonsense", "0", "00000000", "0000000g1", "000000001'", "00000000-1", "0" * 65])
async def test_what_is_no_cursor_is_refused(house: House, cursor: str) -> None:
    person = house.people[0]
    for query, headers in (({"cursor": cursor}, {}), ({}, {"last-event-id": cursor})):
        answer = await house.http.get("/api/collab/events", params=query, headers=person.bearer | headers)
        assert refusal(answer) == (400, "cursor_is_not_valid")
    follower = Follower([house.url], person.access_token, cursor)
    follower.reading.set()
    following_it = asyncio.create_task(follower.follow())
    await eventually(lambda: bool(follower.codes), "it is closed")
    following_it.cancel()
    assert (follower.codes[0], follower.returns) == (4400, 0)


async def cursor_before(house: House, thread: Json) -> str:
    """Of the moment before a thread's first message was told."""
    async with house.jetstream() as js:
        found = await js.get_last_msg(EVENTS, f"event.messages.message_posted.v1.*.{thread['id']}")
    cursor = await cursor_now(house)
    return f"{cursor[:8]}{(found.seq or 0) - 1:x}"
