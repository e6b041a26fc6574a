"""How many threads are active, for Prometheus."""

import asyncio

import structlog
from prometheus_client import Gauge

from services.threads.repository.activity import active_count
from shared.contracts.refusals import ServiceIsUnavailable
from shared.database.connections import Database

log = structlog.get_logger()

THREADS_ACTIVE = Gauge("threads_active_count", "Threads that are active, over all workspaces.")
_INTERVAL = 30.0  # seconds


class ActiveCount:
    """Keeps the gauge near the truth, by an index-only count."""

    def __init__(self, background: Database) -> None:
        self._background = background
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            try:
                THREADS_ACTIVE.set(await active_count(self._background))
            except ServiceIsUnavailable as away:
                log.warning("threads_not_counted", error=str(away.__cause__))
            await asyncio.sleep(_INTERVAL)
