"""Months of messages are made ahead of time, by the service itself."""

import asyncio
from datetime import UTC, date, datetime

import structlog

from shared.contracts.refusals import ServiceIsUnavailable
from shared.database.connections import Database

log = structlog.get_logger()

MONTHS_AHEAD = 3
_INTERVAL = 3_600.0  # seconds


class Partitions:
    """Keeps this month and the next three there."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._make()
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL)
            try:
                await self._make()
            except ServiceIsUnavailable as away:
                log.warning("partitions_not_made", error=str(away.__cause__))

    async def _make(self) -> None:
        async with self._database.connection() as connection:
            for month in months(datetime.now(UTC).date()):
                if await connection.fetchval("SELECT make_partition($1)", month):
                    log.info("partition_made", month=month.isoformat())


def months(today: date) -> list[date]:
    """The first days of this month and of those to be made ahead."""
    count = today.year * 12 + today.month - 1
    return [date((count + ahead) // 12, (count + ahead) % 12 + 1, 1) for ahead in range(MONTHS_AHEAD + 1)]
