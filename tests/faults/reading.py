"""What of a thread can be read: by people through the gateway, by consumers in the stream, and in the thread itself."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple, Self

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from pydantic_core import from_json

from shared.messaging.streams import EVENTS
from tests.faults.house import House, eventually
from tests.system.people import Json, expect, messages_of, path_of

PAGE = 200


class Said(NamedTuple):
    """A message, as far as it never changes."""

    seq: int
    id: str
    key: str
    content: str

    @classmethod
    def of(cls, message: Json) -> Self:
        return cls(message["seq"], message["id"], message["clientMessageId"], message["content"])


class Told(NamedTuple):
    """An event in the stream: its sequence there, and the message that it tells of."""

    cursor: int
    said: Said


async def all_is_read_and_told_once(house: House, thread: Json, acknowledged: Collection[Said]) -> None:
    """Every acknowledged message is there once, nothing else is, and one event tells of each."""
    read = await all_messages(house, thread)
    assert set(acknowledged) - set(read) == set(), "acknowledged − read"
    assert set(read) - set(acknowledged) == set(), "read − acknowledged"
    assert len(read) == len(acknowledged)
    assert [one.seq for one in read] == list(range(1, len(read) + 1)), "seq has a gap or a double"
    assert doubles(one.key for one in read) == []
    await eventually(house.all_is_published, "the outboxes are empty")
    assert [one.said for one in await all_events(house, thread)] == read, "one event a message, in their order"
    await eventually(lambda: stands_at(house, thread, read[-1]), "the thread stands at its newest message")


async def all_messages(house: House, thread: Json) -> list[Said]:
    """All that pages show, the oldest first."""
    found: list[Said] = []
    query: dict[str, object] = {"limit": PAGE}
    while True:
        page = expect(await house.people[0].get(messages_of(thread), **query), 200)
        found[:0] = map(Said.of, page["messages"])
        if page["nextCursor"] is None:
            return found
        query["before"] = page["nextCursor"]


async def all_events(house: House, thread: Json) -> list[Told]:
    """The posts to a thread that the stream tells of, in its order."""
    async with house.jetstream() as js:
        return [Told(cursor, Said.of(from_json(data)["message"])) for cursor, data in await _stored(js, thread)]


async def _stored(js: JetStreamContext, thread: Json) -> list[tuple[int, bytes]]:
    subject = f"event.messages.message_posted.v1.*.{thread['id']}"
    name = f"tests-{thread['id']}"
    config = ConsumerConfig(
        name=name,
        filter_subject=subject,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.NONE,
        mem_storage=True,
        inactive_threshold=30,
    )
    left = (await js.add_consumer(EVENTS, config)).num_pending or 0
    reader = await js.pull_subscribe_bind(consumer=name, stream=EVENTS)
    found: list[tuple[int, bytes]] = []
    while left:
        messages = await reader.fetch(min(left, 500), timeout=5)
        found += [(message.metadata.sequence.stream, message.data) for message in messages]
        left = messages[-1].metadata.num_pending
    await js.delete_consumer(EVENTS, name)
    return found


async def stands_at(house: House, thread: Json, newest: Said) -> bool:
    """Whether the consumer of threads has caught up with a thread."""
    answer = await house.people[0].get(path_of(thread))
    shown = answer.json() if answer.status_code == 200 else {}
    return bool(shown) and (shown["lastSeq"], (shown["lastMessage"] or {}).get("id")) == (newest.seq, newest.id)


def doubles(keys: Iterable[str]) -> list[tuple[str, int]]:
    return [(key, times) for key, times in Counter(keys).items() if times > 1]
