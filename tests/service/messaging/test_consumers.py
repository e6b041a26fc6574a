"""Reactions to events: each event once, in order, and what cannot be taken is parked, never dropped."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest_asyncio

from shared.contracts.subscriptions import Subscription
from shared.contracts.threads.threads import ThreadArchived
from shared.database.connections import Connection
from shared.identifiers import new_id
from shared.messaging.consumer import Reaction
from shared.messaging.consumers import EventConsumers
from shared.messaging.received import Received
from shared.messaging.streams import EVENTS, declare_consumers
from tests.servers import Servers
from tests.service.outbox.stage import Stage, eventually, staged

ARCHIVED = Subscription("messages", "archived", [ThreadArchived])
Subscription.known.remove(ARCHIVED)
DELAYS = (0.1, 0.2)


class Log:
    """A reaction that writes down what it was given, and fails where it is told to."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.failing: set[int] = set()
        self.tries: list[int] = []

    async def react(self, connection: Connection, events: Sequence[Received]) -> None:
        for one in events:
            self.tries.append(one.event.version)
            if one.event.version in self.failing:
                raise ValueError(f"version {one.event.version} is poison")
        await connection.execute("SELECT 1")
        self.versions += [one.event.version for one in events]


@pytest_asyncio.fixture
async def stage(servers: Servers) -> AsyncIterator[Stage]:
    """With a durable consumer of the service messages, declared as the installation's own are."""
    Subscription.known.append(ARCHIVED)
    try:
        async with staged(servers) as made:
            yield made
    finally:
        Subscription.known.remove(ARCHIVED)


@asynccontextmanager
async def consuming(stage: Stage, reaction: Reaction) -> AsyncIterator[EventConsumers]:
    background = stage.background("messages")
    await background.open()
    consumers = EventConsumers("messages", background, stage.nats.url, stage.credentials.nats["messages"], delays=DELAYS)
    consumers.react(ARCHIVED, reaction)
    await consumers.start()
    try:
        yield consumers
    finally:
        await consumers.stop()
        await background.close()


async def publish(stage: Stage, *versions: int, key: UUID | None = None, ids: Sequence[UUID] = (), data: bytes | None = None) -> None:
    key = key or uuid4()
    async with stage.operator() as js:
        for place, version in enumerate(versions):
            event = ThreadArchived(entity_id=key, version=version, thread_id=key)
            event_id = ids[place] if ids else new_id()
            await js.publish(
                ThreadArchived.subject(stage.workspace, key),
                event.model_dump_json(by_alias=True).encode() if data is None else data,
                headers={"Nats-Msg-Id": str(uuid4()), "ce-id": str(event_id), "ce-type": ThreadArchived.event_type},
            )


async def parked(stage: Stage) -> list[tuple[str, str, int]]:
    async with stage.admin("messages") as connection:
        return [tuple(row) for row in await connection.fetch("SELECT consumer, error, tries FROM parked ORDER BY parked_at")]


async def unacknowledged(stage: Stage) -> int:
    async with stage.operator() as js:
        info = await js.consumer_info(EVENTS, ARCHIVED.consumer)
        return (info.num_pending or 0) + (info.num_ack_pending or 0)


async def test_events_are_taken_in_the_order_of_the_stream(stage: Stage) -> None:
    log, key = Log(), uuid4()
    await publish(stage, *range(1, 301), key=key)
    async with consuming(stage, log.react):
        await eventually(lambda: len(log.versions) == 300)
        await eventually(lambda: _settled(stage))
    assert log.versions == list(range(1, 301))


async def test_an_event_that_comes_again_has_no_second_effect(stage: Stage) -> None:
    log, event_id = Log(), new_id()
    await publish(stage, 1, 2, ids=[event_id, new_id()])
    async with consuming(stage, log.react):
        await eventually(lambda: len(log.versions) == 2)
        await publish(stage, 1, 3, ids=[event_id, new_id()])
        await eventually(lambda: _settled(stage))
    assert log.versions == [1, 2, 3]


async def test_a_poison_event_is_tried_with_growing_delays_then_parked_and_the_others_go_on(stage: Stage) -> None:
    log = Log()
    log.failing = {2}
    await publish(stage, 1, 2, 3)
    async with consuming(stage, log.react):
        await eventually(lambda: _settled(stage))
    assert sorted(log.versions) == [1, 3]
    assert await parked(stage) == [("messages-archived", "ValueError: version 2 is poison", 3)]


async def test_what_cannot_be_read_is_parked_at_once(stage: Stage) -> None:
    log = Log()
    await publish(stage, 1, data=b'{"half":')
    await publish(stage, 2)
    async with consuming(stage, log.react):
        await eventually(lambda: _settled(stage))
    ((consumer, error, tries),) = await parked(stage)
    assert (consumer, tries, log.versions) == ("messages-archived", 1, [2])
    assert error.startswith("not readable: ")


async def test_a_parked_event_is_taken_when_the_operator_has_it_tried_again(stage: Stage) -> None:
    log = Log()
    log.failing = {1}
    await publish(stage, 1)
    async with consuming(stage, log.react):
        await eventually(lambda: _is_parked(stage, 1))
        await _retry(stage)
        await eventually(lambda: _tries(stage, 4))
        log.failing = set()
        await _retry(stage)
        await eventually(lambda: _is_parked(stage, 0))
    assert log.versions == [1]


async def test_a_consumer_that_was_made_anew_is_read_again_without_second_effects(stage: Stage) -> None:
    log = Log()
    await publish(stage, 1, 2)
    async with consuming(stage, log.react):
        await eventually(lambda: len(log.versions) == 2)
        async with stage.operator() as js:
            await js.delete_consumer(EVENTS, ARCHIVED.consumer)
            await asyncio.sleep(2.5)
            await declare_consumers(js)
        await publish(stage, 3)
        await eventually(lambda: len(log.versions) == 3)
    assert log.versions == [1, 2, 3]


async def test_consuming_goes_on_when_nats_is_back(stage: Stage) -> None:
    log = Log()
    async with consuming(stage, log.react):
        await publish(stage, 1)
        await eventually(lambda: log.versions == [1])
        stage.nats.kill()
        await asyncio.sleep(1)
        await stage.nats.start()
        await publish(stage, 2)
        await eventually(lambda: log.versions == [1, 2])


async def _settled(stage: Stage) -> bool:
    return await unacknowledged(stage) == 0


async def _is_parked(stage: Stage, events: int) -> bool:
    return len(await parked(stage)) == events


async def _tries(stage: Stage, tries: int) -> bool:
    return [row[2] for row in await parked(stage)] == [tries]


async def _retry(stage: Stage) -> None:
    async with stage.admin("messages") as connection:
        await connection.execute("UPDATE parked SET retry_at = now()")
