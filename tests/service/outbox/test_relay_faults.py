"""Whatever is killed, frozen, wiped or put back: no event is published twice, none is lost, and what cannot be known stops the relay."""

import asyncio
import shutil
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.messaging.streams import EVENTS
from shared.outbox import rows
from shared.outbox.publishing import SomebodyElsePublished
from shared.outbox.relay import Relay
from shared.outbox.stream import events_stream_of
from tests.servers import Servers
from tests.service.outbox.stage import SERVICE, Stage, eventually, staged

WINDOW = 0.5


@asynccontextmanager
async def relay_process(stage: Stage) -> AsyncIterator[Process]:
    arguments = [stage.url(), stage.nats.url, stage.credentials.nats[SERVICE]]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.service.outbox.relay_process", *arguments)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def nothing_marked(stage: Stage) -> AsyncIterator[None]:
    """The outbox can be read and not changed: a relay publishes, and waits before it marks."""
    async with stage.admin() as connection, connection.transaction():
        await connection.execute("LOCK TABLE outbox IN SHARE MODE")
        yield


async def halted(relay: Relay) -> str:
    await eventually(lambda: (relay.health().detail or "").startswith("halted"))
    return relay.health().detail or ""


async def test_a_relay_killed_between_publish_and_mark_leaves_no_second_event(servers: Servers) -> None:
    async with staged(servers, WINDOW) as stage:
        await stage.say(1, 2, 3)
        async with relay_process(stage) as process:
            async with nothing_marked(stage):
                await eventually(lambda: _holds(stage, 3))
                process.kill()
                await process.wait()
            assert await stage.unpublished() == 3
            await asyncio.sleep(WINDOW * 2)
            async with stage.relaying():
                await stage.say(4)
                await stage.published()
        assert await stage.numbers() == [1, 2, 3, 4]


async def test_a_relay_frozen_past_the_window_publishes_nothing_again_when_it_thaws(servers: Servers) -> None:
    async with staged(servers, WINDOW) as stage, relay_process(stage) as process:
        await stage.say(1, 2, 3)
        async with nothing_marked(stage):
            await eventually(lambda: _holds(stage, 3))
            process.send_signal(signal.SIGSTOP)
        await stage.say(4)
        async with stage.relaying() as second:
            await stage.published()
            assert second.health().detail == "leading"
            process.send_signal(signal.SIGCONT)
            await stage.say(5)
            await stage.published()
            await asyncio.sleep(1)
        assert await stage.numbers() == [1, 2, 3, 4, 5]


async def test_a_batch_of_a_relay_that_was_overtaken_is_refused(stage: Stage) -> None:
    await stage.say(1)
    async with stage.admin() as connection:
        late = await rows.waiting(connection)
    async with stage.relaying():
        await stage.say(2)
        await stage.published()
    async with events_stream_of(SERVICE, stage.nats.url, stage.credentials.nats[SERVICE]) as (_, stream):
        with pytest.raises(SomebodyElsePublished):
            await stream.publish(late, last=0)
    assert await stage.numbers() == [1, 2]


async def test_a_frozen_replica_is_followed_within_five_seconds(stage: Stage) -> None:
    async with relay_process(stage) as process:
        await stage.say(1)
        await stage.published()
        process.send_signal(signal.SIGSTOP)
        async with stage.relaying():
            await stage.say(2)
            await stage.published(within=5)


async def test_a_wiped_store_stops_the_relay(stage: Stage) -> None:
    async with stage.relaying() as relay:
        await stage.say(1, 2)
        await stage.published()
        await stage.nats.stop()
        shutil.rmtree(stage.nats.data / "jetstream")
        await stage.nats.start()
        await stage.say(3)
        assert await halted(relay) == f"halted: the stream {EVENTS} is gone"
        await stage.declare()
        await eventually(lambda: "wiped or rolled back" in (relay.health().detail or ""))
        await asyncio.sleep(0.5)
    assert await stage.numbers() == []


async def test_a_store_put_back_to_an_older_copy_stops_the_relay(stage: Stage) -> None:
    async with stage.relaying() as relay:
        await stage.say(1, 2)
        await stage.published()
        await _with_the_store_put_back(stage, lambda: stage.say(3))
        await stage.say(4)
        assert "the stream ends at 2, and 3 was published" in await halted(relay)
    assert await stage.numbers() == [1, 2]


async def test_an_older_copy_that_others_have_filled_up_stops_the_relay_too(stage: Stage) -> None:
    async with stage.relaying():
        await stage.say(1, 2)
        await stage.published()
        await _with_the_store_put_back(stage, lambda: stage.say(3))
    async with stage.relaying("threads"):
        await stage.say(7, 8, 9, service="threads")
        await stage.published("threads")
    async with stage.relaying() as relay:
        assert "another event at 3" in (reason := await halted(relay)) or "no event at 3" in reason


async def _with_the_store_put_back(stage: Stage, meanwhile: object) -> None:
    store, copy = stage.nats.data / "jetstream", stage.data / "copy"
    await stage.nats.stop()
    shutil.copytree(store, copy)
    await stage.nats.start()
    await meanwhile()  # type: ignore[operator]
    await stage.published()
    await stage.nats.stop()
    shutil.rmtree(store)
    copy.rename(store)
    await stage.nats.start()


async def _holds(stage: Stage, events: int) -> bool:
    async with stage.operator() as js:
        return (await js.stream_info(EVENTS)).state.messages == events
