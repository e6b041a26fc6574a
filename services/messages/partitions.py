"""Months of messages are made ahead of time, by the service itself."""

from datetime import UTC, date, datetime

import structlog

from shared.database.connections import Database
from shared.rounds import Rounds

log = structlog.get_logger()

MONTHS_AHEAD = 3
_INTERVAL = 3_600.0  # seconds


class Partitions:
    """Keeps this month and the next three there."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rounds = Rounds("messages partitions", self._make, _INTERVAL)

    async def start(self) -> None:
        await self._make()
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def _make(self) -> None:
        async with self._database.connection() as connection:
            for month in months(datetime.now(UTC).date()):
                if await connection.fetchval("SELECT make_partition($1)", month):
                    log.info("partition_made", month=month.isoformat())


def months(today: date) -> list[date]:
    """The first days of this month and of those to be made ahead."""
    count = today.year * 12 + today.month - 1
    return [date((count + ahead) // 12, (count + ahead) % 12 + 1, 1) for ahead in range(MONTHS_AHEAD + 1)]
