"""Valkey, for what goes on without it: it is waited for a moment at most, and left alone for a second after it did not answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from shared.application import Dependency

log = structlog.get_logger()

PATIENCE = 0.05  # seconds that a request waits for Valkey
TRY_AGAIN_AFTER = 1.0  # seconds without Valkey, so that its outage costs nobody the wait each time

_AWAY = (RedisError, OSError, TimeoutError)


class OptionalValkey:
    """A Valkey that may be away, or may not be set at all. Raises `ValueError` where the address is none."""

    def __init__(self, url: str | None, *, patience: float = PATIENCE, decode_responses: bool = False) -> None:
        self.client: Redis | None = (
            Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=1, decode_responses=decode_responses) if url else None
        )
        self._patience = patience
        self._scripts: dict[str, AsyncScript] = {}
        self._away_until: float | None = None

    async def ask[T](self, question: Callable[[], Awaitable[T]]) -> T | None:
        """The answer of the client, for whoever does without one; None while it is away."""
        now = asyncio.get_running_loop().time
        if self.client is None or (self._away_until is not None and now() < self._away_until):
            return None
        try:
            async with asyncio.timeout(self._patience):
                answer = await question()
        except _AWAY as error:
            if self._away_until is None:
                log.warning("valkey_is_away", error=str(error) or type(error).__name__)
            self._away_until = now() + TRY_AGAIN_AFTER
            return None
        if self._away_until is not None:
            log.info("valkey_is_back")
            self._away_until = None
        return answer

    async def run(self, script: str, keys: Sequence[str], args: Sequence[str | int | bytes]) -> Any:
        """What a script returns, which Valkey keeps once it was run; None while it is away."""
        client = self.client
        if client is None:
            return None
        known = self._scripts.get(script) or self._scripts.setdefault(script, client.register_script(script))
        return await self.ask(lambda: known(keys=list(keys), args=list(args)))

    async def health(self) -> Dependency:
        if self.client is None:
            return Dependency(ok=False, detail="ATRIUM_REDIS_URL is not set", needed=False)
        try:
            async with asyncio.timeout(1):
                await self.client.ping()
        except _AWAY as error:
            return Dependency(ok=False, detail=str(error) or type(error).__name__, needed=False)
        return Dependency(ok=True, needed=False)

    async def close(self) -> None:
        if self.client is not None:
            await self.client.aclose()
