"""The stream made anew from what the outboxes keep: when JetStream's store was lost, rolled back or wiped.

Never into a stream that is there: its events would be doubled. The new stream begins above every sequence that was ever recorded, so
that no old cursor means a new event.
"""

import asyncio
import heapq
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import asyncpg
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamConfig
from nats.js.errors import NotFoundError, ServerError

from shared.credentials import OPERATOR
from shared.identifiers import new_id
from shared.messaging.connection import inbox_prefix
from shared.messaging.streams import EVENTS, REPLAYING, declare_consumers, events_stream
from shared.outbox import rows
from shared.outbox.lock import FAMILY, REPLAY, Session, lock_key
from shared.outbox.publishing import Batches, DuplicateInBatch
from shared.settings import Settings

PATIENCE = 20.0
MARGIN = 10_000
"""Above what is recorded: a stream that is gone may have held a few events more."""
_STORE_FAILED = 10049  # of JetStream's error codes

_KEPT = """
    SELECT id, event_id, subject, data, trace, occurred_at, stream_seq, octet_length(data) + 1024 AS bytes
    FROM outbox WHERE stream_seq > $1 AND stream_seq < $2 ORDER BY stream_seq LIMIT 500"""
_UNPUBLISHED = """
    SELECT id, event_id, subject, data, trace, occurred_at, NULL::bigint AS stream_seq, octet_length(data) + 1024 AS bytes
    FROM outbox WHERE published_at IS NULL AND id > $1 ORDER BY id LIMIT 500"""
_LEFT = "SELECT count(*) FROM outbox WHERE published_at IS NULL OR stream_seq < $1"
_FIND = """
    UPDATE outbox SET published_at = coalesce(published_at, clock_timestamp()), stream_seq = found.seq
    FROM unnest($1::uuid[], $2::bigint[]) AS found (event_id, seq) WHERE outbox.event_id = found.event_id"""

type Report = Callable[[int, int], None]


class CannotReplay(Exception):
    """Another replay, or a relay that does not let go; the message says which."""


class _Kept(NamedTuple):
    """An event of an outbox and where it goes: after what had a lower sequence; what had none comes last."""

    seq: float
    service: str
    id: int
    row: asyncpg.Record


async def replay(urls: Mapping[str, str], client: Client, settings: Settings, report: Report) -> int:
    """Make EVENTS anew and publish all outboxes into it. Killed half-way and started again, it goes on where it was.

    urls: service to its database as the background role. client: NATS as the operator. Returns the number of events in the stream.
    """
    async with AsyncExitStack() as stack:
        sessions = {service: await stack.enter_async_context(_session(url, service)) for service, url in urls.items()}
        await _stop_the_relays(sessions)
        js = client.jetstream(timeout=30)
        batches = Batches(client, f"{inbox_prefix(OPERATOR)}.replay{new_id().hex}")
        await batches.open()
        first = await _begin(js, sessions, settings)
        left = sum([await session.fetchval(_LEFT, first) for session in sessions.values()])
        done = 0
        report(done, left)
        async for batch in _batched(_merged(sessions, first)):
            await _publish(batches, sessions, batch)
            done += len(batch)
            report(done, left)
        await js.update_stream(events_stream(settings, first_seq=first))
        await declare_consumers(js)
        return (await js.stream_info(EVENTS)).state.messages


async def _begin(js: JetStreamContext, sessions: Mapping[str, Session], settings: Settings) -> int:
    """The first sequence of the new stream: of one that a replay left half full, or of one that is made now."""
    highest = max([(await rows.highest(session)).seq for session in sessions.values()])
    try:
        found = await js.stream_info(EVENTS)
    except NotFoundError:
        first = highest + MARGIN
    else:
        begun = found.config.first_seq or 1
        if REPLAYING in (found.config.metadata or {}):
            await _find_unrecorded(js, sessions, max(highest, begun))
            return begun
        first = max(highest, found.state.last_seq) + 2  # its first event must not pass for the next one of the stream before
        await js.delete_stream(EVENTS)
    await _make(js, events_stream(settings, first_seq=first, replaying=True))
    return first


async def _make(js: JetStreamContext, stream: StreamConfig) -> None:
    """NATS may still be clearing away the folders of the stream that was deleted: it refuses until it has."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            await js.add_stream(stream)
        except ServerError as error:
            if error.err_code != _STORE_FAILED or time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)
        else:
            return


async def _find_unrecorded(js: JetStreamContext, sessions: Mapping[str, Session], seq: int) -> None:
    """Record what a replay published before it was killed and did not record: a batch at most."""
    name = f"replay-{new_id().hex}"
    config = ConsumerConfig(
        name=name,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=seq,
        ack_policy=AckPolicy.NONE,
        headers_only=True,
        mem_storage=True,
        inactive_threshold=30,
    )
    left = (await js.add_consumer(EVENTS, config)).num_pending or 0
    reader = await js.pull_subscribe_bind(consumer=name, stream=EVENTS)
    while left:
        page = await reader.fetch(min(left, rows.MOST_EVENTS), timeout=PATIENCE)
        left = page[-1].metadata.num_pending
        ids = [UUID((message.headers or {})["Nats-Msg-Id"]) for message in page]
        for session in sessions.values():
            await session.execute(_FIND, ids, [message.metadata.sequence.stream for message in page])
    await reader.unsubscribe()


async def _merged(sessions: Mapping[str, Session], first: int) -> AsyncIterator[_Kept]:
    """All outboxes by their old order."""
    sources = [_kept(service, session, first) for service, session in sessions.items()]
    waiting = [(event, place) for place, source in enumerate(sources) if (event := await anext(source, None)) is not None]
    heapq.heapify(waiting)
    while waiting:
        event, place = waiting[0]
        yield event
        following = await anext(sources[place], None)
        if following is None:
            heapq.heappop(waiting)
        else:
            heapq.heapreplace(waiting, (following, place))


async def _kept(service: str, session: Session, first: int) -> AsyncIterator[_Kept]:
    seq = -1
    while page := await session.fetch(_KEPT, seq, first):
        for row in page:
            yield _Kept(row["stream_seq"], service, row["id"], row)
        seq = page[-1]["stream_seq"]
    identifier = 0
    while page := await session.fetch(_UNPUBLISHED, identifier):
        for row in page:
            yield _Kept(float("inf"), service, row["id"], row)
        identifier = page[-1]["id"]


async def _batched(events: AsyncIterator[_Kept]) -> AsyncIterator[list[_Kept]]:
    batch: list[_Kept] = []
    size = 0
    async for event in events:
        if batch and (len(batch) == rows.MOST_EVENTS or size + event.row["bytes"] > rows.MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += event.row["bytes"]
    if batch:
        yield batch


async def _publish(batches: Batches, sessions: Mapping[str, Session], batch: Sequence[_Kept]) -> None:
    """Publish and record; one by one where the stream has one of them already."""
    try:
        last = (await batches.publish([event.row for event in batch])).seq
        seqs = list(range(last - len(batch) + 1, last + 1))
    except DuplicateInBatch:
        seqs = [(await batches.publish([event.row])).seq for event in batch]
    for service, session in sessions.items():
        own = [(event.id, seq) for event, seq in zip(batch, seqs, strict=True) if event.service == service]
        await rows.mark_again(session, [identifier for identifier, _ in own], [seq for _, seq in own])


async def _stop_the_relays(sessions: Mapping[str, Session]) -> None:
    """Take every relay's right to publish; they let go within a second or two."""
    any_session = next(iter(sessions.values()))
    if not await _locked(any_session, REPLAY, 5):
        raise CannotReplay("another replay is running")
    for service, session in sessions.items():
        if not await _locked(session, lock_key(service), PATIENCE):
            raise CannotReplay(f"the relay of {service} does not let go of its outbox")


async def _locked(session: Session, key: int, within: float) -> bool:
    until = time.monotonic() + within
    while not await session.fetchval("SELECT pg_try_advisory_lock($1, $2)", FAMILY, key):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.1)
    return True


@asynccontextmanager
async def _session(url: str, service: str) -> AsyncIterator[Session]:
    session: Session = await asyncpg.connect(
        url, timeout=5, command_timeout=300, server_settings={"search_path": service, "application_name": "atrium replay"}
    )
    try:
        yield session
    finally:
        await session.close(timeout=5)
