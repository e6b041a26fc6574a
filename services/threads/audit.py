"""Reads by supervisors and auditors go to the audit log (API.md, Roles): once an hour for a user and a thread, off the request's way."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

import structlog

from services.threads.repository.reads import Read, tell_reads
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import ServiceIsUnavailable
from shared.database.connections import Database

log = structlog.get_logger()

AGAIN_AFTER = 3_600.0  # seconds
GATHER = 0.1  # seconds in which reads are gathered
PAUSE = 1.0  # seconds until the database is tried again
MOST_REMEMBERED = 50_000


class ReadsOfOthers:
    """Remembers what it has told lately, so that a read told before costs one look into a dictionary."""

    def __init__(self, background: Database, on_commit: Callable[[], None]) -> None:
        self._background, self._on_commit = background, on_commit
        self._told: OrderedDict[tuple[UUID, UUID, Permission], float] = OrderedDict()
        self._waiting: set[Read] = set()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(self, caller: Principal, thread_id: UUID, action: Permission = Permission.SUPERVISOR_READ) -> None:
        """The caller read something of a thread by this permission."""
        key, now = (caller.user_id, thread_id, action), time.monotonic()
        told = self._told.get(key)
        if told is not None and now - told < AGAIN_AFTER:
            return
        self._told[key] = now
        self._told.move_to_end(key)
        if len(self._told) > MOST_REMEMBERED:
            self._told.popitem(last=False)
        self._waiting.add(Read(caller.workspace_id, caller.user_id, thread_id, action))
        self._woken.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """What was read is told before it ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._tell()

    async def _keep(self) -> None:
        while True:
            await self._woken.wait()
            await asyncio.sleep(GATHER)
            try:
                told = await self._tell()
            except Exception:
                log.exception("reads_not_audited")
                told = False
            if not told:
                await asyncio.sleep(PAUSE)

    async def _tell(self) -> bool:
        """False while the database is away; what waits goes on waiting."""
        reads, self._waiting = self._waiting, set()
        self._woken.clear()
        if not reads:
            return True
        try:
            told = await tell_reads(self._background, reads)
        except ServiceIsUnavailable as away:
            log.warning("reads_not_audited", reads=len(reads), error=str(away.__cause__))
            self._wait_again(reads)
            return False
        except BaseException:
            self._wait_again(reads)
            raise
        if told:
            self._on_commit()
        return True

    def _wait_again(self, reads: set[Read]) -> None:
        self._waiting |= reads
        self._woken.set()
