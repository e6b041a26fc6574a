"""A service's reactions to events, each fed by its durable consumer."""

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any

import structlog
from faststream import AckPolicy
from faststream.message import StreamMessage
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.security import SASLPlaintext
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.subscriptions import Subscription
from shared.database.connections import Database
from shared.messaging.connection import RECONNECT_WAIT, inbox_prefix, sign_in
from shared.messaging.consumer import DELAYS, Consumer, Reaction
from shared.messaging.streams import EVENTS, durable_consumer
from shared.observability.metrics import CONSUMER_LAG, PARKED_EVENTS
from shared.outbox import inbox

log = structlog.get_logger()

TOGETHER = 200
GATHER = 0.2
"""Seconds that a batch is waited for: FastStream hands it over when it is full or this is over."""
IDLE = 1.0
"""Seconds that its first event is waited for: a broker that was away forgets who waits."""
SHORTEST = 0.01
"""Seconds that asking for events is worth while; nats-py makes a negative time of less than 0.1 ms."""
LOOK = 2.0


class EventConsumers:
    """Starts each reaction once its durable consumer is there, and again where that was made anew."""

    def __init__(
        self, service: str, background: Database, nats_url: str, nats_password: str | None, *, delays: Sequence[float] = DELAYS
    ) -> None:
        self._service, self._background, self._delays = service, background, delays
        self._fed: list[tuple[Consumer, Any]] = []
        self._stopping = False
        self._watch: asyncio.Task[None] | None = None
        self._broker = NatsBroker(
            nats_url,
            name=f"{service} consumers",
            inbox_prefix=inbox_prefix(service),
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_WAIT,  # type: ignore[arg-type]
            closed_cb=self._closed,
            logger=None,  # a line a message halves the rate
            apply_types=False,
            graceful_timeout=5,
            security=SASLPlaintext(service, nats_password) if sign_in(nats_url, service, nats_password) and nats_password else None,
        )

    def react(self, subscription: Subscription, reaction: Reaction) -> None:
        """`reaction` gets events that it has not had, in order, inside the transaction that records them as applied."""
        consumer = Consumer(subscription, reaction, self._background, self._delays)
        subscriber = self._broker.subscriber(
            durable=consumer.name,
            config=durable_consumer(subscription),
            stream=JStream(EVENTS, declare=False),
            pull_sub=PullSub(batch_size=TOGETHER, timeout=GATHER, batch=True),
            inbox_prefix=f"{inbox_prefix(self._service)}.".encode(),
            ack_policy=AckPolicy.MANUAL,
            decoder=_as_it_came,
        )
        subscriber(consumer.take)
        self._fed.append((consumer, subscriber))

    async def start(self) -> None:
        await self._broker.connect()
        self._watch = asyncio.create_task(self._look(), name=f"{self._service} consumers")

    async def stop(self) -> None:
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._broker.stop()

    async def _look(self) -> None:
        """See every two seconds which durable consumers are there and how far they are, and what the operator wants tried again."""
        while True:
            for consumer, subscriber in self._fed:
                try:
                    await self._look_at(consumer, subscriber)
                except (NatsError, OSError, ServiceIsUnavailable) as away:
                    log.debug("consumer_is_out_of_sight", consumer=consumer.name, reason=str(away))
                except Exception:
                    log.exception("consumer_watch_failed", consumer=consumer.name)
            await asyncio.sleep(LOOK)

    async def _look_at(self, consumer: Consumer, subscriber: Any) -> None:
        async with self._background.connection() as connection:
            PARKED_EVENTS.labels(self._service).set(await inbox.parked_count(connection))
        await consumer.retry_parked()
        try:
            info = await self._broker.connection.jetstream(timeout=2).consumer_info(EVENTS, consumer.name)
        except NotFoundError:  # wiped, or not declared yet; FastStream would ask for its events without a pause
            if subscriber.running:
                log.warning("consumer_is_gone", consumer=consumer.name)
                await subscriber.stop()
            return
        CONSUMER_LAG.labels(self._service, consumer.name).set((info.num_pending or 0) + (info.num_ack_pending or 0))
        if not subscriber.running:
            await subscriber.start()
            subscriber.subscription = _Pull(subscriber.subscription)
            log.info("consumer_started", consumer=consumer.name)

    async def _closed(self) -> None:
        if not self._stopping:
            log.error("nats_connection_closed", name=f"{self._service} consumers")
            os.kill(os.getpid(), signal.SIGTERM)  # a process without its broker is of no use; whoever runs it starts it again


class _Pull:
    """A pull subscription as FastStream's batch loop needs it: the loop drops what it has collected at any error but nats-py's own
    TimeoutError, which is not the one that nats-py always raises, and it asks again at once whatever went wrong.

    The first event of a batch is waited for by itself. So what comes after a silence is not kept waiting for more, and where nothing comes
    NATS is asked once a second, not ten times.
    """

    def __init__(self, subscription: JetStreamContext.PullSubscription) -> None:
        self._subscription = subscription

    async def fetch(self, batch: int, timeout: float) -> list[Msg]:
        if timeout < SHORTEST:
            raise NatsTimeoutError
        try:
            return await (self._subscription.fetch(1, IDLE) if batch == TOGETHER else self._subscription.fetch(batch, timeout))
        except TimeoutError as over:
            raise NatsTimeoutError from over
        except (NatsError, OSError) as error:
            log.warning("events_were_not_fetched", reason=str(error) or type(error).__name__)
            await asyncio.sleep(1)
            raise NatsTimeoutError from error

    async def unsubscribe(self) -> None:
        await self._subscription.unsubscribe()


async def _as_it_came(message: StreamMessage[list[Msg]]) -> list[Msg]:
    """Reading events is the consumer's work: one that is not JSON would fail its whole batch here, again and again."""
    return message.raw_message
