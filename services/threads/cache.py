"""Views of active threads in Valkey (spec 1, Caching): what everybody who sees a thread is shown of it, never who sees it.

A view is kept with the revision that it was made from, and served to those alone who have just read that same revision in PostgreSQL,
with what decides about them. So nothing needs to be invalidated, and nothing is served that is not so any more.
"""

from typing import cast
from uuid import UUID

import structlog
from pydantic import ValidationError

from shared.application import Dependency
from shared.contracts.threads.access import State
from shared.contracts.threads.threads import Thread
from shared.valkey import OptionalValkey
from shared.version import VERSION

log = structlog.get_logger()

LIFE = 600  # seconds (spec 1)


class CachedViews:
    """Valkey's absence costs the query that it would have saved."""

    def __init__(self, redis_url: str | None) -> None:
        self._valkey = OptionalValkey(redis_url, decode_responses=True)

    async def get(self, thread_id: UUID, revision: int) -> Thread | None:
        """The view of this revision, where it is kept."""
        client = self._valkey.client
        if client is None:
            return None
        kept = cast(str | None, await self._valkey.ask(lambda: client.get(_key(thread_id))))
        of, _, view = (kept or "").partition("\n")
        if of != str(revision):
            return None
        try:
            return Thread.model_validate_json(view)
        except ValidationError:  # nothing of ours
            return None

    async def keep(self, thread: Thread, revision: int) -> None:
        client = self._valkey.client
        if client is None or thread.state is not State.ACTIVE:
            return
        view = thread.model_dump_json(by_alias=True)
        await self._valkey.ask(lambda: client.set(_key(thread.id), f"{revision}\n{view}", ex=LIFE))

    async def health(self) -> Dependency:
        """Valkey's; without it views are read from the database, and all goes on."""
        return await self._valkey.health()

    async def close(self) -> None:
        await self._valkey.close()


def _key(thread_id: UUID) -> str:
    return f"thread:{VERSION}:{thread_id}"
