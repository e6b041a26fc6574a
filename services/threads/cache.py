"""Views of active threads in Valkey (spec 1, Caching): what everybody who sees a thread is shown of it, never who sees it.

A view is kept with the revision that it was made from, and served to those alone who have just read that same revision in PostgreSQL,
with what decides about them. So nothing needs to be invalidated, and nothing is served that is not so any more.
"""

import asyncio
from typing import cast
from uuid import UUID

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared.application import Dependency
from shared.contracts.threads.access import State
from shared.contracts.threads.threads import Thread
from shared.version import VERSION

log = structlog.get_logger()

LIFE = 600  # seconds (spec 1)
PATIENCE = 0.05  # seconds that a request waits for Valkey
TRY_AGAIN_AFTER = 1.0  # seconds without Valkey, so that its outage costs nobody the wait each time


class CachedViews:
    """Valkey's absence costs the query that it would have saved."""

    def __init__(self, redis_url: str | None) -> None:
        self._valkey = (
            Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=1, decode_responses=True) if redis_url else None
        )
        self._away_until: float | None = None

    async def get(self, thread_id: UUID, revision: int) -> Thread | None:
        """The view of this revision, where it is kept."""
        if self._valkey is None or self._is_away():
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                kept = cast(str | None, await self._valkey.get(_key(thread_id)))
        except (RedisError, OSError, TimeoutError) as error:
            self._note_absence(error)
            return None
        self._note_presence()
        of, _, view = (kept or "").partition("\n")
        if of != str(revision):
            return None
        try:
            return Thread.model_validate_json(view)
        except ValidationError:  # nothing of ours
            return None

    async def keep(self, thread: Thread, revision: int) -> None:
        if self._valkey is None or self._is_away() or thread.state is not State.ACTIVE:
            return
        view = thread.model_dump_json(by_alias=True)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._valkey.set(_key(thread.id), f"{revision}\n{view}", ex=LIFE)
        except (RedisError, OSError, TimeoutError) as error:
            self._note_absence(error)

    async def health(self) -> Dependency:
        """Valkey's; without it views are read from the database, and all goes on."""
        if self._valkey is None:
            return Dependency(ok=False, detail="ATRIUM_REDIS_URL is not set", needed=False)
        try:
            async with asyncio.timeout(1):
                await self._valkey.ping()
        except (RedisError, OSError, TimeoutError) as error:
            return Dependency(ok=False, detail=str(error) or type(error).__name__, needed=False)
        return Dependency(ok=True, needed=False)

    async def close(self) -> None:
        if self._valkey is not None:
            await self._valkey.aclose()

    def _is_away(self) -> bool:
        return self._away_until is not None and asyncio.get_running_loop().time() < self._away_until

    def _note_absence(self, error: Exception) -> None:
        if self._away_until is None:
            log.warning("valkey_is_away", error=str(error) or type(error).__name__)
        self._away_until = asyncio.get_running_loop().time() + TRY_AGAIN_AFTER

    def _note_presence(self) -> None:
        if self._away_until is not None:
            log.info("valkey_is_back")
            self._away_until = None


def _key(thread_id: UUID) -> str:
    return f"thread:{VERSION}:{thread_id}"
