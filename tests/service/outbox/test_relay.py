"""The relay publishes what the outbox holds: in order, once, and soon."""

from uuid import uuid4

from shared.messaging.streams import EVENTS
from tests.service.outbox.stage import SERVICE, Stage, eventually


async def test_what_is_committed_is_published_in_its_order(stage: Stage) -> None:
    await stage.say(1, 2, 3)
    async with stage.relaying() as relay:
        await stage.published()
        await stage.say(4)
        relay.poke()
        await stage.published()
    assert await stage.numbers() == [1, 2, 3, 4]


async def test_an_event_carries_the_attributes_of_cloudevents(stage: Stage) -> None:
    key = uuid4()
    await stage.say(1, key=key)
    async with stage.relaying():
        await stage.published()
    async with stage.operator() as js:
        message = await js.get_msg(EVENTS, 1, direct=True)
    async with stage.admin() as connection:
        ((event_id, occurred_at, stream_seq),) = await connection.fetch("SELECT event_id, occurred_at, stream_seq FROM outbox")
    assert stream_seq == 1
    assert message.subject == f"event.messages.said.v1.{stage.workspace}.{key}"
    assert {name: value for name, value in (message.headers or {}).items() if name.startswith(("ce-", "content", "Nats-Msg"))} == {
        "Nats-Msg-Id": str(event_id),
        "ce-specversion": "1.0",
        "ce-id": str(event_id),
        "ce-source": "/atrium/messages",
        "ce-type": "messages.said.v1",
        "ce-subject": str(key),
        "ce-time": occurred_at.isoformat(timespec="milliseconds"),
        "ce-dataschema": "/schemas/messages.said.v1.json",
        "content-type": "application/json",
    }


async def test_more_than_a_batch_is_published_in_order(stage: Stage) -> None:
    await stage.say(*range(2_500))
    async with stage.relaying():
        await stage.published()
    assert await stage.numbers() == list(range(2_500))


async def test_a_relay_waits_for_a_stream_that_is_not_declared_yet(stage: Stage) -> None:
    async with stage.operator() as js:
        await js.delete_stream(EVENTS)
    await stage.say(1)
    async with stage.relaying() as relay:
        await eventually(lambda: "not declared" in (relay.health().detail or ""))
        await stage.declare()
        await stage.published()
    assert await stage.numbers() == [1]


async def test_nothing_is_lost_or_doubled_while_nats_is_away(stage: Stage) -> None:
    async with stage.relaying() as relay:
        await stage.say(1)
        await stage.published()
        stage.nats.kill()
        await stage.say(2)
        relay.poke()
        await eventually(lambda: not relay.health().ok)
        await stage.nats.start()
        await stage.published()
    assert await stage.numbers() == [1, 2]


async def test_a_batch_with_an_event_that_the_stream_has_goes_one_by_one(stage: Stage) -> None:
    """As when rows are put back from a backup: what was published is not known to be, inside the deduplication window."""
    async with stage.relaying():
        await stage.say(1, 2)
        await stage.published()
        await stage.say(3)
        await stage.published()
    async with stage.admin() as connection:
        await connection.execute("UPDATE outbox SET published_at = NULL, stream_seq = NULL WHERE id = 2")
    await stage.say(4, 5)
    async with stage.relaying():
        await stage.published()
    assert await stage.numbers() == [1, 2, 3, 4, 5]
    async with stage.admin() as connection:
        assert [row[0] for row in await connection.fetch("SELECT stream_seq FROM outbox ORDER BY id")] == [1, 2, 3, 4, 5]


async def test_another_replica_takes_over_within_five_seconds(stage: Stage) -> None:
    async with stage.relaying() as first:
        await eventually(lambda: first.health().detail == "leading")
        async with stage.relaying() as second:
            await eventually(lambda: second.health().detail == "following")
            await stage.say(1)
            second.poke()
            await stage.published()
            await first.stop()
            await stage.say(2)
            await stage.published(within=5)
            assert second.health().detail == "leading"
    assert await stage.numbers() == [1, 2]


async def test_a_service_publishes_beside_others(stage: Stage) -> None:
    async with stage.relaying(), stage.relaying("threads"):
        for number in range(10):
            await stage.say(number)
            await stage.say(100 + number, service="threads")
        await stage.published()
        await stage.published("threads")
    assert [number for _, owner, number in await stage.stream() if owner == SERVICE] == list(range(10))
    assert [number for _, owner, number in await stage.stream() if owner == "threads"] == list(range(100, 110))
