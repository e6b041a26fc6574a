"""The stream, as the relay of one service sees it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from uuid import UUID

import asyncpg
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from shared.identifiers import new_id
from shared.messaging.connection import inbox_prefix, sign_in
from shared.messaging.streams import EVENTS, REPLAYING
from shared.outbox.publishing import PATIENCE, Acknowledged, Batches

_PAGE = 1_000


class StreamState(NamedTuple):
    first_seq: int
    last_seq: int
    replaying: bool


class Stored(NamedTuple):
    """An event in the stream."""

    seq: int
    event_id: UUID


class EventsStream:
    """Publishes one service's events, and reads the end of what it has published."""

    def __init__(self, client: Client, service: str, batches: Batches) -> None:
        self._service, self._batches = service, batches
        self._js = client.jetstream(timeout=PATIENCE)

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
        """Publish all or none. `last` is the service's newest event in the stream: a batch that another relay overtook is refused,
        however long the process was frozen before it sent it.
        """
        condition = (
            f"Nats-Expected-Last-Subject-Sequence: {last}\r\nNats-Expected-Last-Subject-Sequence-Subject: event.{self._service}.>\r\n"
        )
        return await self._batches.publish(rows, condition)


@asynccontextmanager
async def events_stream_of(service: str, url: str, password: str | None) -> AsyncIterator[tuple[Client, EventsStream]]:
    """A connection of its own that never reconnects: what was written to one that broke must not be sent later, by another."""

    async def closed() -> None:
        batches.give_up()

    async def unheard(_: Exception) -> None:
        """Whatever fails ends this connection or the wait for an acknowledgement, and is said there."""

    client = Client()
    batches = Batches(client, f"{inbox_prefix(service)}.relay{new_id().hex}")
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
        await batches.open()
        yield client, EventsStream(client, service, batches)
    finally:
        if not client.is_closed:
            await client.close()
