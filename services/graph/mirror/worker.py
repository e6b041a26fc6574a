"""Keeps the mirror near: one process of all, and again from wherever the mirror is after whatever happened to it."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

import structlog

from services.graph.engines import MirrorIsAway
from services.graph.metrics import BATCH_SECONDS, LAG, LAG_SECONDS, PARKED
from services.graph.mirror.connection import BatchIsRefused, Neo4j
from services.graph.mirror.mirror import Mirror, MirrorIsAnothers, Standing
from services.graph.repository.mirror import AT_ONCE, Backlog, MirrorSource
from shared.application import Dependency
from shared.contracts.refusals import ServiceIsUnavailable
from shared.outbox.lock import AWAY, NotTheRelay, RelayLock, lock_session

log = structlog.get_logger()

NAME = "graph-mirror"
WINDOW = 4_000
"""Changes of one transaction, which takes some 30 ms beside its changes: 2,000 are a tenth slower."""
IDLE, PAUSE = 0.2, 1.0
NEAR = 2_000
"""Changes that the mirror may be behind and still be asked: they are laid over what it answers."""
LOOK = 1.0  # seconds between two looks at the backlog
CATCHING_UP = "it is catching up"


class Keeper:
    """state: what readers are told; a process that does not hold the lock looks as often."""

    def __init__(self, url: str, neo4j: Neo4j, source: MirrorSource) -> None:
        self._url, self._neo4j, self._source = url, neo4j, source
        self._mirror: Mirror | None = None
        self._task: asyncio.Task[None] | None = None
        self._poked = asyncio.Event()
        self._looked = 0.0
        self._window = WINDOW
        self._problem: str | None = "not looked at yet"
        self._standing = Standing(0, wiping=True)
        self._backlog = Backlog(NEAR + 1, timedelta(), 0)

    @property
    def mirror_id(self) -> str | None:
        return self._mirror.id if self._mirror else None

    @property
    def position(self) -> int:
        """How far the mirror was when it was looked at last."""
        return self._standing.position

    def is_near(self) -> bool:
        return self._problem is None and not self._standing.wiping and self._backlog.behind <= NEAR

    def doubt(self, reason: str) -> None:
        """A reader had no answer: none asks again until it was looked at."""
        self._trouble(reason)
        self.poke()

    def poke(self) -> None:
        self._poked.set()

    def health(self) -> Dependency:
        notice = None
        if self._backlog.parked:
            notice = f"{self._backlog.parked} things could not be mirrored; `atrium graph reconcile` tries them again"
        return Dependency(ok=self._problem is None, detail=self._problem, needed=False, notice=notice)

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=NAME)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._neo4j.close()

    async def _keep(self) -> None:
        while True:
            try:
                await self._turn()
            except MirrorIsAnothers:
                self._trouble("it holds another graph: `atrium graph rebuild --force` takes it")
            except (MirrorIsAway, BatchIsRefused) as away:
                self._trouble(str(away) or "it does not answer")
            except (*AWAY, ServiceIsUnavailable, NotTheRelay) as away:
                self._trouble(f"PostgreSQL: {away}")
            except Exception as error:
                log.exception("mirror_failed")
                self._trouble(type(error).__name__)
            await asyncio.sleep(PAUSE)

    def _trouble(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("mirror_is_away", reason=problem)
        self._problem = problem

    async def _turn(self) -> None:
        """Until something fails. Who has not got the lock looks, and asks for it again."""
        if self._mirror is None:
            self._mirror = Mirror(self._neo4j, self._source, await self._source.mirror_id())
        async with lock_session(self._url, NAME) as session:
            lock = RelayLock(session, NAME)
            if not await lock.acquire():
                await self._look(await self._mirror.standing())
                await self._trust(self._mirror)
                return
            beating = asyncio.create_task(lock.beat())
            try:
                await self._mirror.prepare()
                self._problem = self._problem and CATCHING_UP
                while True:
                    await self._once(self._mirror, lock)
            finally:
                beating.cancel()

    async def _once(self, mirror: Mirror, lock: RelayLock) -> None:
        self._poked.clear()
        while await self._source.place() == AT_ONCE:
            lock.require()
        head, standing = await self._source.head(), await mirror.standing()
        if standing.position > head and not standing.wiping:
            log.warning("mirror_is_ahead", position=standing.position, head=head)  # of a database that was put back
            await mirror.begin_anew()
            standing = await mirror.standing()
        if standing.wiping:
            self._standing = standing
            await mirror.wipe()
            standing = await mirror.standing()
        await self._catch_up(mirror, lock, standing.position, head)
        if time.monotonic() - self._looked > LOOK or self._problem is not None:
            await self._look(await mirror.standing())
            await self._trust(mirror)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._poked.wait(), IDLE)

    async def _catch_up(self, mirror: Mirror, lock: RelayLock, position: int, head: int) -> None:
        """The next window is read while Neo4j takes the last one."""
        window = await self._source.window(position, head, self._window) if position < head else None
        while window is not None:
            lock.require()
            following = None
            if window.until < head:
                following = asyncio.create_task(self._source.window(window.until, head, self._window))
            try:
                with BATCH_SECONDS.time():
                    await mirror.apply(window)
            except BaseException:
                self._window = max(self._window // 2, 1)  # it may have been too much for a transaction, or for the time of one
                if following is not None:
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
                raise
            self._window = min(2 * self._window, WINDOW)
            if self._backlog.parked:
                await self._source.unpark(window.entities)
            if time.monotonic() - self._looked > LOOK:
                await self._look(Standing(window.until, wiping=False))
            window = await following if following is not None else None

    async def _trust(self, mirror: Mirror) -> None:
        """Readers ask again once it answered as they ask: the first question after its start takes seconds."""
        if self._problem is not None:
            await mirror.warm()
            self._problem = None

    async def _look(self, standing: Standing) -> None:
        self._backlog = await self._source.backlog(standing.position, 5 * NEAR)
        self._standing, self._looked = standing, time.monotonic()
        LAG.set(self._backlog.behind)
        LAG_SECONDS.set(self._backlog.since.total_seconds())
        PARKED.set(self._backlog.parked)
