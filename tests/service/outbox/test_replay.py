"""A replay makes the stream anew, with every event that the outboxes keep, above every cursor that was ever given out."""

import asyncio
import shutil

import pytest
from nats.aio.client import Client

from shared.contracts.subscriptions import Subscription
from shared.credentials import OPERATOR, STORING_SERVICES
from shared.messaging.connection import close, connect
from shared.messaging.streams import EVENTS
from shared.outbox.replay import replay
from tests.service.outbox.stage import Stage, eventually


class Interrupted(Exception):
    """Stands for the kill of a replay."""


async def replayed(stage: Stage, *, until: int | None = None) -> int:
    def report(done: int, left: int) -> None:
        if until is not None and done >= until:
            raise Interrupted

    client: Client = await connect(stage.nats.url, OPERATOR, stage.credentials.nats[OPERATOR], name="replay")
    try:
        return await replay({service: stage.url(service) for service in STORING_SERVICES}, client, stage.settings, report)
    finally:
        await close(client)


async def recorded(stage: Stage, service: str = "messages") -> list[int]:
    async with stage.admin(service) as connection:
        return [row[0] for row in await connection.fetch("SELECT stream_seq FROM outbox ORDER BY id")]


async def test_a_replay_restores_every_event_under_new_cursors(stage: Stage) -> None:
    async with stage.relaying() as relay, stage.relaying("threads") as other:
        for number in range(5):
            await stage.say(number)
            await stage.published()
            await stage.say(100 + number, service="threads")
            await stage.published("threads")
        await stage.nats.stop()
        shutil.rmtree(stage.nats.data / "jetstream")
        await stage.say(5)
        await stage.nats.start()
        await eventually(lambda: all((one.health().detail or "").startswith("halted") for one in (relay, other)))
        assert await replayed(stage) == 11
        await stage.say(6)
        await stage.published()
    found = await stage.stream()
    assert [number for _, _, number in found] == [0, 100, 1, 101, 2, 102, 3, 103, 4, 104, 5, 6]
    assert found[0][0] > 10
    assert await recorded(stage) == [seq for seq, owner, _ in found if owner == "messages"]
    assert await recorded(stage, "threads") == [seq for seq, owner, _ in found if owner == "threads"]


async def test_a_replay_killed_half_way_goes_on_where_it_was(stage: Stage) -> None:
    async with stage.relaying():
        await stage.say(*range(1_500))
        await stage.published()
    with pytest.raises(Interrupted):
        await replayed(stage, until=1_000)
    async with stage.relaying() as relay:
        await eventually(lambda: relay.health().detail == "halted: a replay was not finished")
        async with stage.admin() as connection:  # as when it was killed before it recorded its last batch
            await connection.execute("UPDATE outbox SET stream_seq = id WHERE id > 500 AND id <= 1000")
        assert await replayed(stage) == 1_500
        await stage.say(1_500)
        await stage.published()
    assert await stage.numbers() == list(range(1_501))


async def test_relays_step_down_for_a_replay_and_come_back(stage: Stage) -> None:
    async with stage.relaying() as relay:
        await stage.say(1)
        await stage.published()
        await asyncio.wait_for(replayed(stage), 10)
        await stage.say(2)
        await stage.published()
        assert relay.health().detail == "leading"
    assert await stage.numbers() == [1, 2]


async def test_a_replay_declares_the_durable_consumers_again(stage: Stage) -> None:
    async with stage.operator() as js:
        await js.delete_stream(EVENTS)
        await replayed(stage)
        assert {info.name for info in await js.consumers_info(EVENTS)} == {one.consumer for one in Subscription.known}


async def test_a_replay_makes_the_stream_once_what_is_in_its_way_is_cleared(stage: Stage) -> None:
    async with stage.relaying():
        await stage.say(1)
        await stage.published()
    await stage.nats.stop()
    store = stage.nats.data / "jetstream" / "$G" / "streams" / EVENTS
    shutil.rmtree(store)
    store.touch()  # which NATS clears away when it has refused to make the stream
    await stage.nats.start()
    assert await replayed(stage) == 1


async def test_declaring_again_changes_nothing(stage: Stage) -> None:
    async with stage.relaying():
        await stage.say(1)
        await stage.published()
        await replayed(stage)
    async with stage.operator() as js:
        before = (await js.stream_info(EVENTS)).config
        await stage.declare()
        assert (await js.stream_info(EVENTS)).config == before
    assert await stage.numbers() == [1]
