"""Events into JetStream and back: atomic batches (ADR-50), and the end of what one service has published."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from uuid import UUID

import asyncpg
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from shared.identifiers import new_id
from shared.messaging.connection import inbox_prefix, sign_in
from shared.messaging.streams import EVENTS, REPLAYING

PATIENCE = 5.0
_PAGE = 1_000
_WRONG_LAST_SEQUENCE, _DUPLICATE_IN_BATCH = 10071, 10201


class NotAcknowledged(NatsError):
    """JetStream did not take a batch."""

    def __init__(self, code: int | None, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description

    def __str__(self) -> str:
        return self.description


class SomebodyElsePublished(NotAcknowledged):
    """The service's newest event in the stream is not the one that we know."""


class DuplicateInBatch(NotAcknowledged):
    """JetStream has one of the batch's events already, and refuses them all."""


class StreamState(NamedTuple):
    first_seq: int
    last_seq: int
    replaying: bool


class Stored(NamedTuple):
    """An event in the stream."""

    seq: int
    event_id: UUID


class Acknowledged(NamedTuple):
    """The sequence of the batch's last event; those of the others run up to it."""

    seq: int
    duplicate: bool


class EventsStream:
    """The stream of events, for the relay of one service."""

    def __init__(self, client: Client, service: str, inbox: str) -> None:
        self._client, self._service, self._inbox = client, service, inbox
        self._js = client.jetstream(timeout=PATIENCE)
        self._acknowledgement: asyncio.Future[Msg] | None = None
        self._batches = 0

    async def state(self) -> StreamState | None:
        """None where there is no stream."""
        try:
            info = await self._js.stream_info(EVENTS)
        except NotFoundError:
            return None
        return StreamState(info.state.first_seq, info.state.last_seq, REPLAYING in (info.config.metadata or {}))

    async def since(self, seq: int) -> AsyncIterator[list[Stored]]:
        """The service's events from a sequence on, page by page; without their content."""
        name, subject = f"relay-{self._service}", f"event.{self._service}.>"
        with suppress(NotFoundError):
            await self._js.delete_consumer(EVENTS, name)
        found = await self._js.add_consumer(
            EVENTS,
            ConsumerConfig(
                name=name,
                filter_subject=subject,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=max(seq, 1),
                ack_policy=AckPolicy.NONE,
                headers_only=True,
                mem_storage=True,
                inactive_threshold=30,
            ),
        )
        left = found.num_pending or 0
        reader = await self._js.pull_subscribe_bind(consumer=name, stream=EVENTS)
        try:
            while left:
                page = await reader.fetch(min(left, _PAGE), timeout=PATIENCE)
                left = page[-1].metadata.num_pending
                yield [Stored(message.metadata.sequence.stream, UUID((message.headers or {})["Nats-Msg-Id"])) for message in page]
        finally:
            await reader.unsubscribe()

    async def publish(self, rows: Sequence[asyncpg.Record], last: int) -> Acknowledged:
        """Publish all or none. `last` is the service's newest event in the stream: a batch that another relay overtook is refused."""
        self._batches += 1
        acknowledgement: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._acknowledgement = acknowledgement
        frame = batch_frame(self._service, rows, last, f"{self._inbox}.{self._batches}")
        if not self._client.is_connected:
            raise NotAcknowledged(None, "the connection is away")
        # What `Client.publish` does, once for a batch: with its checks of each header it takes 30 µs an event, this takes 6.
        await self._client._send_command(frame)
        await self._client._flush_pending()
        answer = await asyncio.wait_for(acknowledgement, PATIENCE)
        return _read(answer)

    async def give_up(self) -> None:
        """The connection is gone, and with it the acknowledgement."""
        if self._acknowledgement is not None and not self._acknowledgement.done():
            self._acknowledgement.set_exception(NotAcknowledged(None, "the connection broke"))

    async def take(self, message: Msg) -> None:
        """An acknowledgement; one that nobody waits for any more is dropped."""
        waiting = self._acknowledgement
        if waiting is not None and not waiting.done() and message.subject == f"{self._inbox}.{self._batches}":
            waiting.set_result(message)


def _read(answer: Msg) -> Acknowledged:
    if answer.headers and answer.headers.get("Status") == "503":
        raise NotAcknowledged(503, f"there is no stream {EVENTS}")
    said = json.loads(answer.data)
    if error := said.get("error"):
        kind = {_WRONG_LAST_SEQUENCE: SomebodyElsePublished, _DUPLICATE_IN_BATCH: DuplicateInBatch}.get(error["err_code"], NotAcknowledged)
        raise kind(error["err_code"], error["description"])
    return Acknowledged(said["seq"], said.get("duplicate", False))


def batch_frame(service: str, rows: Sequence[asyncpg.Record], last: int, reply: str) -> bytes:
    """The protocol's bytes of a batch. The first event says what must be the stream's newest of the service, the last one commits."""
    batch = new_id().hex
    expected = f"Nats-Expected-Last-Subject-Sequence: {last}\r\nNats-Expected-Last-Subject-Sequence-Subject: event.{service}.>\r\n"
    many = len(rows) > 1
    parts = []
    for place, row in enumerate(rows, start=1):
        extra = f"Nats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {place}\r\n" if many else ""
        if place == 1:
            extra += expected
        if place == len(rows):
            extra += "Nats-Batch-Commit: 1\r\n" if many else ""
            parts.append(event_frame(row, f" {reply}", extra))
        else:
            parts.append(event_frame(row, "", extra))
    return b"".join(parts)


def event_frame(row: asyncpg.Record, reply: str, extra: str) -> bytes:
    """One event as a message: CloudEvents 1.0 in binary mode, its attributes in the headers."""
    _, event_id, subject, data, trace, occurred_at = row
    _, owner, name, version, _, key = subject.split(".")
    header = (
        f"NATS/1.0\r\nNats-Msg-Id: {event_id}\r\n{extra}"
        f"ce-specversion: 1.0\r\nce-id: {event_id}\r\nce-source: /atrium/{owner}\r\nce-type: {owner}.{name}.{version}\r\n"
        f"ce-subject: {key}\r\nce-time: {occurred_at.isoformat(timespec='milliseconds')}\r\n"
        f"ce-dataschema: /schemas/{owner}.{name}.{version}.json\r\ncontent-type: application/json\r\n"
        + (f"traceparent: {trace}\r\n\r\n" if trace else "\r\n")
    ).encode()
    body = data.encode()
    return b"HPUB %b%b %d %d\r\n%b%b\r\n" % (subject.encode(), reply.encode(), len(header), len(header) + len(body), header, body)


@asynccontextmanager
async def events_stream_of(service: str, url: str, password: str | None) -> AsyncIterator[tuple[Client, EventsStream]]:
    """A connection of its own that never reconnects: what was written to one that broke must not be sent later, by another."""

    async def closed() -> None:
        await stream.give_up()

    async def unheard(_: Exception) -> None:
        """Whatever fails ends this connection or the wait for an acknowledgement, and is said there."""

    client = Client()
    inbox = f"{inbox_prefix(service)}.relay{new_id().hex}"
    stream = EventsStream(client, service, inbox)
    await client.connect(
        url,
        name=f"{service} relay",
        **sign_in(url, service, password),  # type: ignore[arg-type]
        inbox_prefix=inbox_prefix(service),
        pending_size=0,
        allow_reconnect=False,
        max_reconnect_attempts=1,  # of the first attempt too, which else goes on for two minutes
        reconnect_time_wait=0.1,  # type: ignore[arg-type]
        connect_timeout=3,
        ping_interval=5,
        error_cb=unheard,
        closed_cb=closed,
    )
    try:
        await client.subscribe(f"{inbox}.*", cb=stream.take)
        yield client, stream
    finally:
        if not client.is_closed:
            await client.close()
