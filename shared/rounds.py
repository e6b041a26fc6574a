"""What a service does by itself, now and then, and at once when there is reason to."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import structlog

from shared.contracts.refusals import ServiceIsUnavailable

log = structlog.get_logger()

_AWAY = (ServiceIsUnavailable, asyncpg.PostgresError)


class Rounds:
    """`once` is done at the start, after each `poke`, and `every` so many seconds. What fails is done again in the next round.

    away: what it raises while something that it needs is away, beside PostgreSQL.
    """

    def __init__(self, name: str, once: Callable[[], Awaitable[None]], every: float, *, away: tuple[type[Exception], ...] = ()) -> None:
        self._name, self._once, self._every = name, once, every
        self._away: tuple[type[Exception], ...] = (*_AWAY, *away)
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=self._name)

    def poke(self) -> None:
        self._poked.set()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            self._poked.clear()
            try:
                await self._once()
            except self._away as error:
                log.warning("round_did_not_end", round=self._name, error=str(error.__cause__ or error))
            except Exception:
                log.exception("round_failed", round=self._name)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._poked.wait(), self._every)
