"""One reaction to events: once each, in one transaction with the note that it was done; what cannot be taken is parked, never dropped."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.subscriptions import Subscription
from shared.database.connections import Connection, Database, once_more
from shared.messaging.context import NO_CONTEXT, current_context
from shared.messaging.received import Received, received
from shared.observability.metrics import EVENTS_CONSUMED
from shared.outbox import inbox

log = structlog.get_logger()

DELAYS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
"""Seconds until an event that failed is given again; after the last of them it is parked."""

type Reaction = Callable[[Connection, Sequence[Received]], Awaitable[None]]


class Consumer:
    """One reaction of a service, and the durable consumer that feeds it."""

    def __init__(self, subscription: Subscription, reaction: Reaction, background: Database, delays: Sequence[float]) -> None:
        self.subscription, self._reaction, self._background, self._delays = subscription, reaction, background, delays
        self._kinds = {event.event_type: event for event in subscription.events}
        self.name = subscription.consumer

    async def take(self, messages: Sequence[Msg]) -> None:
        """Apply a batch in the order of the stream, and say for each event what became of it; what was not said is given again."""
        try:
            await self._take(messages)
        except (NatsError, ServiceIsUnavailable) as away:
            log.warning("batch_was_interrupted", consumer=self.name, reason=str(away) or type(away).__name__)
        except Exception:
            log.exception("batch_failed", consumer=self.name)

    async def _take(self, messages: Sequence[Msg]) -> None:
        readable: list[tuple[Msg, Received]] = []
        for message in messages:
            try:
                readable.append((message, received(self._kinds, message.subject, message.data, message.headers)))
            except ValueError as error:
                await self._park(message, None, f"not readable: {error}")
        try:
            await self._patiently(messages, [one for _, one in readable])
        except Exception:
            for message, one in readable:
                await self._take_one(message, one)
            return
        for message, _ in readable:
            await message.ack()
        self._count("applied", len(readable))

    async def _take_one(self, message: Msg, one: Received) -> None:
        try:
            await self._patiently([message], [one])
        except Exception as error:
            tries = message.metadata.num_delivered
            log.exception("event_failed", consumer=self.name, subject=message.subject, eventId=str(one.event_id), tries=tries)
            if tries > len(self._delays):
                await self._park(message, one, f"{type(error).__name__}: {error}")
                return
            await message.nak(delay=self._delays[tries - 1])
            self._count("delayed")
        else:
            await message.ack()
            self._count("applied")

    async def _patiently(self, messages: Sequence[Msg], batch: Sequence[Received]) -> None:
        """Wait for a database, or a service that is asked, to come back: its absence is no fault of the event, and costs it no try."""
        pause = 0.5
        while True:
            try:
                return await once_more(lambda: self._apply(batch))
            except ServiceIsUnavailable:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
                for message in messages:
                    await message.in_progress()

    async def _apply(self, batch: Sequence[Received]) -> None:
        if not batch:
            return
        async with self._background.installation() as connection:
            fresh = await inbox.take_in(connection, self.name, [one.event_id for one in batch])
            todo: list[Received] = []
            for one in batch:
                if one.event_id in fresh:
                    fresh.discard(one.event_id)
                    todo.append(one)
            if todo:
                current_context.set(NO_CONTEXT._replace(trace=todo[0].trace))
                await self._reaction(connection, todo)

    async def _park(self, message: Msg, one: Received | None, error: str) -> None:
        async with self._background.installation() as connection:
            await inbox.park(
                connection,
                self.name,
                one.event_id if one else None,
                message.subject,
                message.data,
                message.headers or {},
                error,
                message.metadata.num_delivered,
            )
        await message.ack()
        log.error("event_parked", consumer=self.name, subject=message.subject, error=error)
        self._count("parked")

    async def retry_parked(self) -> None:
        """Try what the operator wants tried again: applied and unparked in one transaction."""
        while await self._retry_one():
            pass

    async def _retry_one(self) -> bool:
        async with self._background.installation() as connection:
            row = await inbox.due_for_retry(connection, self.name)
            if row is None:
                return False
            await connection.execute("SAVEPOINT retry")
            try:
                one = received(self._kinds, row["subject"], row["data"], json.loads(row["headers"]))
                if await inbox.take_in(connection, self.name, [one.event_id]):
                    await self._reaction(connection, [one])
                await inbox.unpark(connection, row["id"])
            except ServiceIsUnavailable:
                raise
            except Exception as error:
                log.exception("parked_event_failed", consumer=self.name, subject=row["subject"])
                await connection.execute("ROLLBACK TO SAVEPOINT retry")
                await inbox.still_parked(connection, row["id"], f"{type(error).__name__}: {error}")
        return True

    def _count(self, outcome: str, events: int = 1) -> None:
        EVENTS_CONSUMED.labels(self.subscription.service, self.name, outcome).inc(events)
