"""From the stream to live connections: batch by batch, in the stream's order, each when it is known who sees what of it."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
from nats.aio.msg import Msg

from services.gateway.realtime.audiences import Audience, Audiences, Sights
from services.gateway.realtime.connections import Viewer
from services.gateway.realtime.cursors import Cursor
from services.gateway.realtime.deliveries import Deliveries, Late
from services.gateway.realtime.feed import Feed, StreamIsAnother, seq_of
from services.gateway.realtime.happenings import Happening, happening_of
from services.gateway.realtime.kinds import Scope
from services.gateway.realtime.metrics import LAG_SECONDS, RING_BYTES
from services.gateway.realtime.ring import Ring
from services.gateway.realtime.turns import ENDINGS, TURNING, Turn, access_changed, turn_of
from services.gateway.realtime.viewers import Viewers
from services.gateway.realtime.visibility import OWN, Sight
from shared.contracts.model import Event
from shared.contracts.refusals import ServiceIsUnavailable

log = structlog.get_logger()

BACK = 20_000
"""Events that a gateway reads when it starts, for those who were connected to it before."""
HURRY = 10.0
"""Seconds that a gateway that starts reads back as fast as it can, before it answers requests; then it rests as long as it works."""
BREATH = 20_000
"""Deliveries after which others have their turn."""
PAUSES = (0.1, 0.2, 0.5, 1.0)
MOST_FAILURES = 5
"""In a row, of one batch: then all are told to reload, rather than that something is missing without a word."""


class Ending(NamedTuple):
    """Something that identity said, at its place in the stream."""

    seq: int
    event: Event
    workspace_id: UUID | None


class Recheck(NamedTuple):
    """Who was asked for again on account of an event, and what came of it."""

    turn: Turn
    audience: Audience
    viewers: Sequence[Viewer]
    sights: Sights


class Settled(NamedTuple):
    """Who sees what of a batch. By sequence: who was asked for again, and who sees both ends of a link. late: by thread or project."""

    rechecks: dict[int, list[Recheck]]
    links: dict[int, set[Viewer]]
    late: dict[UUID, Late]


class Pipeline:
    """ended: told what identity says. lost: told when the stream is another."""

    def __init__(
        self,
        feed: Feed,
        ring: Ring,
        viewers: Viewers,
        audiences: Audiences,
        deliveries: Deliveries,
        ended: Callable[[Ending], None],
        lost: Callable[[], None],
    ) -> None:
        self._feed, self._ring, self._viewers, self._audiences, self._deliveries = feed, ring, viewers, audiences, deliveries
        self._ended, self._lost = ended, lost
        self._listeners: dict[type[Event], Callable[[Happening], None]] = {}
        self.advancing = False
        """While a batch is under way nobody goes live: who sees what of it is settled already."""
        self._begun = asyncio.Event()
        self._rested = asyncio.Event()

    def listen(self, events: Collection[type[Event]], hears: Callable[[Happening], None]) -> None:
        """Let somebody here know of these, beside all who are connected."""
        self._listeners.update(dict.fromkeys(events, hears))

    @property
    def ready(self) -> bool:
        """Whether the stream has been read."""
        return self._begun.is_set()

    async def until_ready(self) -> None:
        while not self.ready:  # it may be another stream by the time that one is woken
            await self._begun.wait()

    @property
    def cursor(self) -> Cursor:
        """Of all that has been told. Raises `ServiceIsUnavailable` until the stream has been read."""
        if not self.ready:
            raise ServiceIsUnavailable
        return Cursor(self._feed.identity, self._ring.head)

    async def rested_again(self) -> None:
        """Until the batch under way, or the next one, has been told."""
        self._rested.clear()
        await self._rested.wait()

    async def run(self) -> None:
        failures = 0
        while True:
            head = self._ring.head
            try:
                await self._run()
            except StreamIsAnother:
                log.warning("stream_is_another")
                self._begin_anew()
            except ServiceIsUnavailable:
                log.debug("realtime_waits")
            except Exception:
                log.exception("realtime_failed")
                failures = failures + 1 if head == self._ring.head else 1
                if failures > MOST_FAILURES:
                    self._begin_anew()
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])

    def _begin_anew(self) -> None:
        self._begun.clear()
        self._lost()

    async def _run(self) -> None:
        self._feed.head = self._ring.head  # what was taken and not told is taken again
        if not self.ready:
            await self._read_back()
            self._begun.set()
        while True:
            await self.advance(await self._feed.next())

    async def _read_back(self) -> None:
        await self._feed.begin(BACK)
        self._ring.begin(self._feed.head)
        extent = await self._feed.extent()
        hurried_until = time.monotonic() + HURRY
        while self._feed.head < extent.last:
            began = time.monotonic()
            await self.advance(await self._feed.next())
            if began > hurried_until:
                await asyncio.sleep(time.monotonic() - began)

    async def advance(self, messages: Sequence[Msg]) -> None:
        """Bring a batch to all who see it."""
        if not messages:
            return
        self.advancing = True
        try:
            told = [self._read(message) for message in messages]
            happenings = [one for one in told if isinstance(one, Happening)]
            settled = await self._patiently(happenings)
            await self._deliver(seq_of(messages[-1]), told, settled)
        finally:
            self.advancing = False
            self._rested.set()
        RING_BYTES.set(self._ring.bytes)
        await asyncio.sleep(0)  # whoever has caught up goes live

    def _read(self, message: Msg) -> Happening | Ending | None:
        kind = (message.headers or {}).get("ce-type", "")
        seq = seq_of(message)
        event = ENDINGS.get(kind)
        try:
            if event is not None:
                workspace = (message.headers or {})["Nats-Subject"].split(".")[4]
                return Ending(seq, event.model_validate_json(message.data), None if workspace == "_" else UUID(workspace))
            return happening_of(message, seq, self._feed.identity)
        except (ValueError, KeyError):
            log.exception("event_not_readable", seq=seq, type=kind)
            return None

    async def _patiently(self, happenings: Sequence[Happening]) -> Settled:
        """Settle who sees what of a batch; while an owner is away nobody is told anything, since nobody else may decide."""
        failures = 0
        while True:
            try:
                return await self._settle(happenings)
            except ServiceIsUnavailable:
                await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1

    async def _settle(self, happenings: Sequence[Happening]) -> Settled:
        concerned = [one for one in happenings if one.scope is not Scope.USER and self._viewers.of_workspace(one.workspace_id)]
        turns = [(one, turn) for one in concerned if one.kind.event in TURNING and (turn := turn_of(one))]
        known = {(one.scope, one.workspace_id, one.key) for one in concerned}
        _, outcomes = await asyncio.gather(
            asyncio.gather(*(self._audiences.settle(self._audiences.get(*which)) for which in known)),
            asyncio.gather(*(self._recheck(one, turn) for one, turn in turns)),
        )
        late: defaultdict[UUID, Late] = defaultdict(dict)
        for one, turn in turns:
            if turn.joins:
                late[one.key].update((viewer, one.seq) for viewer in self._named(one, turn))
        links = {one.seq: await self._see_ends(one) for one in concerned if one.kind.linking}
        return Settled({one.seq: outcome for (one, _), outcome in zip(turns, outcomes, strict=True)}, links, late)

    async def _see_ends(self, happening: Happening) -> set[Viewer]:
        audience = self._audiences.get(happening.scope, happening.workspace_id, happening.key)
        return await self._audiences.see_ends(happening, [viewer for viewer in audience.sights if viewer.connections])

    def _named(self, happening: Happening, turn: Turn) -> list[Viewer]:
        viewers = self._viewers.of_workspace(happening.workspace_id)
        if turn.everybody:
            return list(viewers)
        if turn.contact is None and turn.user_id is not None:
            return self._viewers.of_user(turn.user_id, happening.workspace_id)
        return [viewer for viewer in viewers if turn.names(viewer.principal)]

    async def _recheck(self, happening: Happening, turn: Turn) -> list[Recheck]:
        """Of the thread or project that it is about; of a project's thread too."""
        viewers = self._named(happening, turn)
        if not viewers:
            return []
        audiences = [self._audiences.get(happening.scope, happening.workspace_id, happening.key)]
        if happening.scope is Scope.PROJECT:
            audiences += [one for one in self._audiences.of_project(happening.key) if one.scope is Scope.THREAD]
        return [Recheck(turn, audience, viewers, await self._audiences.ask(audience, viewers)) for audience in audiences]

    async def _deliver(self, reached: int, told: Sequence[Happening | Ending | None], settled: Settled) -> None:
        delivered, now = 0, time.time()
        for one in told:
            if isinstance(one, Ending):
                self._deliveries.flush()
                self._ring.add([], one.seq)
                self._ended(one)
            elif one is not None:
                for recheck in settled.rechecks.get(one.seq, ()):
                    self._turn(one, recheck)
                delivered += self._show(one, settled)
                if (hears := self._listeners.get(one.kind.event)) is not None:
                    hears(one)
                self._ring.add([one], one.seq)
                LAG_SECONDS.observe(max(now - one.at, 0))
            if delivered > BREATH:
                self._deliveries.flush()
                delivered = 0
                await asyncio.sleep(0)
        self._deliveries.flush()
        self._ring.add([], reached)

    def _show(self, happening: Happening, settled: Settled) -> int:
        if happening.scope is Scope.USER:
            own = self._viewers.of_user(happening.key, happening.workspace_id)
            return self._deliveries.show(happening, ((viewer, OWN) for viewer in own), {})
        audience = self._audiences.find(happening.scope, happening.key)
        if audience is None:
            return 0
        sights: Iterable[tuple[Viewer, Sight]] = audience.sights.items()
        if happening.kind.linking:
            sights = [(viewer, sight) for viewer, sight in sights if viewer in settled.links.get(happening.seq, ())]
        return self._deliveries.show(happening, sights, settled.late.get(audience.decided_by, {}))

    def _turn(self, happening: Happening, recheck: Recheck) -> None:
        """Access is as it is now, and those are told for whom it is another than before."""
        audience, turn = recheck.audience, recheck.turn
        named = (turn.joins or turn.leaves) and audience.scope is happening.scope
        for viewer in recheck.viewers:
            before = viewer in audience.sights or viewer.principal.user_id in audience.former
            after = viewer in recheck.sights
            if before != after or named:
                for connection in viewer.connections:
                    self._deliveries.put(connection, access_changed(audience.scope, audience.key, happening.frame.cursor, access=after))
        audience.put(recheck.viewers, recheck.sights)
        audience.generation += 1
