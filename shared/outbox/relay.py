"""The relay: what the outbox holds, into JetStream, in order and once. A write never waits for it."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import asyncpg
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from shared.application import Dependency
from shared.contracts.refusals import ServiceIsUnavailable
from shared.database.connections import Database
from shared.messaging.streams import EVENTS
from shared.observability.metrics import (
    EVENTS_PUBLISHED,
    OUTBOX_DEPTH,
    OUTBOX_LAG_SECONDS,
    RELAY_HALTED,
    RELAY_LEADS,
    RELAY_SECONDS,
)
from shared.outbox import rows
from shared.outbox.lock import AWAY, HEARTBEAT, NotTheRelay, RelayLock, lock_session
from shared.outbox.publishing import DuplicateInBatch
from shared.outbox.stream import EventsStream, events_stream_of

log = structlog.get_logger()

POLL = 0.2
GATHER = 0.02
"""Seconds from one batch to the next where less than a whole one waits: a batch costs 3 ms, an event in it 0.02."""
PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
UPKEEP = 3_600.0


class Halted(Exception):
    """The stream is not the one that was published to; the message says why, and `atrium replay` mends it."""


class NotDeclared(Exception):
    """There is no stream yet."""


class Relay:
    """Publishes one service's outbox, or waits for the right to. Any failure ends the session; the next one begins by reading the
    stream's end, so that nothing is published twice.

    forgets: statements that delete what else the service keeps for a time (`rows.forget`).
    """

    def __init__(
        self, service: str, background: Database, url: str, nats_url: str, nats_password: str | None, forgets: Sequence[str] = ()
    ) -> None:
        self.service, self._forgets = service, forgets
        self._background, self._url = background, url
        self._nats_url, self._nats_password = nats_url, nats_password
        self._poked = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._state, self._trouble = "starting", ""
        self._failures = 0
        self._last = 0  # the newest event of this service in the stream
        self._highest = 0  # the highest sequence that the outbox has recorded
        self._seconds = RELAY_SECONDS.labels(service)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"{self.service} relay")

    async def stop(self) -> None:
        """End after the batch under way."""
        self._stopping = True
        self.poke()
        if self._task is not None:
            await self._task

    def poke(self) -> None:
        """Something was committed to the outbox."""
        self._poked.set()

    def health(self) -> Dependency:
        ok = self._state in ("starting", "following", "leading")
        return Dependency(ok=ok, detail=f"{self._state}: {self._trouble}" if self._trouble else self._state, needed=False)

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._session()
            except Halted as reason:
                self._trouble_is("halted", reason)
            except NotTheRelay as reason:
                self._trouble_is("following", reason)
            except (*AWAY, ServiceIsUnavailable, NatsError, NotDeclared) as error:
                self._trouble_is("waiting", error)
            except Exception as error:
                self._trouble_is("waiting", error)
                log.exception("relay_failed", service=self.service)
            finally:
                RELAY_LEADS.labels(self.service).set(0)
            if not self._stopping:
                await asyncio.sleep(PAUSES[min(self._failures, len(PAUSES)) - 1])

    def _trouble_is(self, state: str, error: Exception) -> None:
        trouble = str(error) or type(error).__name__
        if (state, trouble) != (self._state, self._trouble):
            log.warning("relay_stopped", service=self.service, state=state, reason=trouble)
        self._state, self._trouble = state, trouble
        self._failures += 1
        RELAY_HALTED.labels(self.service).set(state == "halted")

    async def _session(self) -> None:
        await self._measure()
        async with lock_session(self._url, self.service) as session:
            lock = RelayLock(session, self.service)
            async with events_stream_of(self.service, self._nats_url, self._nats_password) as (client, stream):
                await self._follow(lock, client)
                if self._stopping:
                    return
                beat, upkeep = asyncio.create_task(lock.beat()), asyncio.create_task(self._keep_up())
                try:
                    await self._lead(lock, client, stream)
                finally:
                    for task in (beat, upkeep):
                        task.cancel()
                    await asyncio.gather(beat, upkeep, return_exceptions=True)

    async def _follow(self, lock: RelayLock, client: Client) -> None:
        """Until the right is ours: pass pokes on to whoever has it."""
        while not await lock.acquire() and not self._stopping:
            if self._state != "halted":  # until a look at the stream says otherwise
                self._state, self._trouble = "following", ""
            until = time.monotonic() + HEARTBEAT
            while not self._stopping and (left := until - time.monotonic()) > 0:
                if await self._woken(left):
                    await client.publish(self._wake_subject)
                    await asyncio.sleep(GATHER)

    async def _lead(self, lock: RelayLock, client: Client, stream: EventsStream) -> None:
        async def wake(_: Msg) -> None:
            self._poked.set()

        await client.subscribe(self._wake_subject, cb=wake)
        await self._recover(stream)
        self._state, self._trouble, self._failures = "leading", "", 0
        RELAY_LEADS.labels(self.service).set(1)
        RELAY_HALTED.labels(self.service).set(0)
        log.info("relay_leads", service=self.service, cursor=self._last)
        while not self._stopping:
            started = time.monotonic()
            self._poked.clear()
            async with self._background.connection() as connection:
                batch = await rows.waiting(connection)
            lock.require()
            await self._report(batch)
            if batch:
                await self._publish(lock, stream, batch)
                if len(batch) < rows.MOST_EVENTS:
                    await asyncio.sleep(started + GATHER - time.monotonic())
            else:
                await self._woken(POLL)
                if not client.is_connected:
                    raise NatsError("nats: the connection broke")

    async def _recover(self, stream: EventsStream) -> None:
        """See that the stream is the one that was published to, and mark what it has and the outbox does not know of."""
        async with self._background.connection() as connection:
            recorded = await rows.highest(connection)
        state = await stream.state()
        if state is None:
            raise Halted(f"the stream {EVENTS} is gone") if recorded.seq else NotDeclared(f"the stream {EVENTS} is not declared yet")
        if state.replaying:
            raise Halted("a replay was not finished")
        if state.last_seq < recorded.seq:
            raise Halted(f"the stream ends at {state.last_seq}, and {recorded.seq} was published: it was wiped or rolled back")
        self._last = 0
        first = True
        async for page in stream.since(recorded.seq):
            if first and recorded.seq >= state.first_seq and tuple(page[0]) != tuple(recorded):
                raise Halted(f"the stream has another event at {recorded.seq} than was published: it was wiped or rolled back")
            first = False
            async with self._background.connection() as connection:
                marked = await rows.mark_events(connection, [one.event_id for one in page], [one.seq for one in page])
            if marked:
                log.info("relay_recovered", service=self.service, events=marked)
            self._last = page[-1].seq
        if recorded.seq and first and state.first_seq <= recorded.seq:
            raise Halted(f"the stream has no event at {recorded.seq}, where one was published: it was wiped or rolled back")
        self._highest = max(recorded.seq, self._last)

    async def _publish(self, lock: RelayLock, stream: EventsStream, batch: Sequence[asyncpg.Record]) -> None:
        try:
            await self._publish_together(lock, stream, batch)
        except DuplicateInBatch:
            for row in batch:
                await self._publish_together(lock, stream, [row])

    async def _publish_together(self, lock: RelayLock, stream: EventsStream, batch: Sequence[asyncpg.Record]) -> None:
        lock.require()
        seq, duplicate = await stream.publish(batch, self._last)
        if not duplicate:
            if seq - len(batch) < self._highest:
                raise Halted(f"an event was stored at {seq}, and {self._highest} was published: the store was rolled back")
            self._last = self._highest = seq
        now = time.time()
        async with self._background.connection() as connection:
            await rows.mark(connection, [row[0] for row in batch], range(seq - len(batch) + 1, seq + 1))
        for row in batch:
            self._seconds.observe(now - row[5].timestamp())
        EVENTS_PUBLISHED.labels(self.service).inc(len(batch))

    async def _woken(self, within: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._poked.wait(), within)
        woken = self._poked.is_set()
        self._poked.clear()
        return woken

    async def _report(self, batch: Sequence[asyncpg.Record]) -> None:
        if len(batch) == rows.MOST_EVENTS:
            await self._measure()
            return
        OUTBOX_DEPTH.labels(self.service).set(len(batch))
        OUTBOX_LAG_SECONDS.labels(self.service).set(time.time() - batch[0][5].timestamp() if batch else 0)

    async def _measure(self) -> None:
        async with self._background.connection() as connection:
            depth, lag = await rows.backlog(connection)
        OUTBOX_DEPTH.labels(self.service).set(depth)
        OUTBOX_LAG_SECONDS.labels(self.service).set(lag)

    async def _keep_up(self) -> None:
        """Once an hour, let go of what retention is over for."""
        while True:
            with suppress(ServiceIsUnavailable, asyncpg.PostgresError):
                while await rows.forget(self._background, *self._forgets):
                    await asyncio.sleep(0.1)
            await asyncio.sleep(UPKEEP)

    @property
    def _wake_subject(self) -> str:
        return f"wake.{self.service}.outbox"
