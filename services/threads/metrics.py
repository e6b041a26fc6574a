"""How many threads are active, for Prometheus."""

from prometheus_client import Gauge

from services.threads.repository.activity import active_count
from shared.database.connections import Database
from shared.rounds import Rounds

THREADS_ACTIVE = Gauge("threads_active_count", "Threads that are active, over all workspaces.")
_INTERVAL = 30.0  # seconds


def active_count_rounds(background: Database) -> Rounds:
    """Keep the gauge near the truth, by an index-only count."""

    async def count() -> None:
        THREADS_ACTIVE.set(await active_count(background))

    return Rounds("threads active", count, _INTERVAL)
