"""Lists of threads, newest activity first: three queries a page, whatever its length."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.threads.domain.access import Sight, sight
from services.threads.domain.participants import contact_key
from services.threads.repository import views
from shared.contracts.principal import Principal
from shared.contracts.threads.threads import ListThreads, Thread
from shared.database.connections import Database

_MINE = """
    SELECT thread_id FROM participants WHERE user_id = $1 AND left_at IS NULL
    UNION ALL SELECT thread_id FROM participants WHERE contact_key = $2 AND left_at IS NULL"""

# `domain.access.rights` says the same; a test holds the two together.
_SEEN = {
    Sight.OPEN: f"(NOT t.is_private OR t.id IN ({_MINE}))",
    Sight.OWN: f"t.id IN ({_MINE})",
    Sight.INVITED: f"t.guest_access_allowed AND t.id IN ({_MINE})",
}

_FILTERS = """
    t.deleted_at IS NULL AND t.state = ANY(CASE WHEN $3 THEN ARRAY['archived'] ELSE ARRAY['active', 'closed'] END)
    AND ($4::text IS NULL OR t.status = $4)"""


def _page(sight: Sight) -> str:
    return f"""
        SELECT {views.COLUMNS} FROM activity a JOIN threads t ON t.id = a.thread_id
        WHERE a.archived = $3 AND {_FILTERS} AND {_SEEN[sight]}
        AND ($5::timestamptz IS NULL OR (a.at, a.thread_id) < ($5, $6::uuid))
        ORDER BY a.at DESC, a.thread_id DESC LIMIT $7 OFFSET $8"""


def _total(sight: Sight) -> str:
    return f"SELECT count(*) FROM threads t WHERE {_FILTERS} AND {_SEEN[sight]}"


_PAGES = {sight: _page(sight) for sight in Sight}
_TOTALS = {sight: _total(sight) for sight in Sight}


@dataclass(frozen=True, slots=True)
class Place:
    """A thread's place in a list."""

    at: datetime
    thread_id: UUID


@dataclass(frozen=True, slots=True)
class Rows:
    """A page, and the place of its last thread where more follow."""

    threads: list[Thread]
    total: int
    more: bool


class Listing:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, request: ListThreads, after: Place | None, caller: Principal) -> Rows:
        status = request.status.value if request.status else None
        asked = (caller.user_id, contact_key(caller.contact), request.archived, status)
        place = (after.at, after.thread_id) if after else (None, None)
        async with self._database.workspace(caller.workspace_id) as connection:
            rows = await connection.fetch(_PAGES[sight(caller)], *asked, *place, request.limit + 1, request.offset)
            total = await connection.fetchval(_TOTALS[sight(caller)], *asked)
            threads = await views.threads_of(connection, rows[: request.limit])
        return Rows(threads, total, len(rows) > request.limit)
