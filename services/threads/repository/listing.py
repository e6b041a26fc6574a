"""Lists of threads, newest activity first: four queries a page, whatever its length."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from services.threads.domain.access import HIDDEN_KINDS, Part, Sight, Standing, sight
from services.threads.repository.access import standings
from services.threads.repository.views import readers_threads
from shared.contracts.principal import Principal
from shared.contracts.threads.access import State
from shared.contracts.threads.participants import contact_key
from shared.contracts.threads.threads import ListThreads
from shared.database.connections import Database
from shared.identifiers import FIRST_ID

_MINE = """
    SELECT thread_id FROM participants WHERE user_id = $1 AND left_at IS NULL
    UNION ALL SELECT thread_id FROM participants WHERE contact_key = $2 AND left_at IS NULL"""

# The same of one thread: a look-up for each that is hidden, where most are not. (OFFSET 0: the planner would rather read all of theirs.)
_TAKES_PART = """
    (EXISTS (SELECT FROM participants p WHERE p.thread_id = t.id AND p.user_id = $1 AND p.left_at IS NULL OFFSET 0)
    OR EXISTS (SELECT FROM participants p WHERE p.thread_id = t.id AND p.contact_key = $2 AND p.left_at IS NULL OFFSET 0))"""

_HIDDEN = f"(t.is_private OR t.kind IN ({', '.join(f"'{kind}'" for kind in HIDDEN_KINDS)}))"

# `domain.access.rights` says the same; a test holds the two together.
_SEEN = {
    Sight.OPEN: f"(NOT {_HIDDEN} OR t.id IN ({_MINE}))",
    Sight.OWN: f"t.id IN ({_MINE})",
    Sight.INVITED: f"t.guest_access_allowed AND t.id IN ({_MINE})",
}

_FILTERS = """
    t.deleted_at IS NULL AND t.state = ANY($3::text[]) AND ($4::text IS NULL OR t.status = $4) AND ($5::text IS NULL OR t.kind = $5)"""


class _Asked(NamedTuple):
    """Which of the statements: what the caller sees, and whether words are looked for."""

    sight: Sight
    words: bool


# Who sees nearly all threads gets the first of them in the index's order, one look-up for each, whatever the planner believes (LATERAL with
# LIMIT): 0.3 ms of 10,000 threads instead of 20. Who sees some, or looks for words, is shown some of all: the planner knows by which way.
def _page(asked: _Asked) -> str:
    found = "JOIN found_threads($11) AS found (id) ON found.id = t.id" if asked.words else ""
    where = f"{_FILTERS} AND {_SEEN[asked.sight]}"
    threads = f"JOIN threads t ON t.id = a.thread_id AND {where} {found}"
    if asked == (Sight.OPEN, False):
        where = f"{_FILTERS} AND (NOT {_HIDDEN} OR {_TAKES_PART})"
        threads = f"CROSS JOIN LATERAL (SELECT * FROM threads t WHERE t.id = a.thread_id AND {where} LIMIT 1) AS t"
    return f"""
        SELECT t.id, a.at FROM activity a {threads}
        WHERE a.archived = $6 AND (a.at, a.thread_id) < ($7::timestamptz, $8::uuid)
        ORDER BY a.at DESC, a.thread_id DESC LIMIT $9 OFFSET $10"""


def _total(asked: _Asked) -> str:
    found = "JOIN found_threads($6) AS found (id) ON found.id = t.id" if asked.words else ""
    return f"SELECT count(*) FROM threads t {found} WHERE {_FILTERS} AND {_SEEN[asked.sight]}"


_ALL = [_Asked(sight, words) for sight in Sight for words in (True, False)]
_PAGES = {asked: _page(asked) for asked in _ALL}
_TOTALS = {asked: _total(asked) for asked in _ALL}


@dataclass(frozen=True, slots=True)
class Place:
    """A thread's place in a list."""

    at: datetime
    thread_id: UUID


TOP = Place(datetime.max.replace(tzinfo=UTC), FIRST_ID)  # PostgreSQL's infinity


@dataclass(frozen=True, slots=True)
class Row:
    """A thread of a list, and how the caller takes part in it."""

    place: Place
    standing: Standing

    @property
    def part(self) -> Part | None:
        return self.standing[1]

    @property
    def thread_id(self) -> UUID:
        return self.place.thread_id


class Listing:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, request: ListThreads, after: Place | None, caller: Principal, limit: int) -> list[Row]:
        """As many as `limit`, from a place on, and one more where more follow."""
        place = after or TOP
        archived = request.states == [State.ARCHIVED]
        words = (request.q,) if request.q is not None else ()
        async with self._database.reading(caller.workspace_id) as connection:
            records = await connection.fetch(
                _PAGES[_asked(request, caller)],
                *_filters(request, caller),
                archived,
                place.at,
                place.thread_id,
                limit + 1,
                request.offset,
                *words,
            )
            found = await standings(connection, [(record["id"], caller) for record in records])
        return [Row(Place(record["at"], record["id"]), standing) for record, standing in zip(records, found, strict=True)]

    async def total(self, request: ListThreads, caller: Principal) -> int:
        words = (request.q,) if request.q is not None else ()
        async with self._database.reading(caller.workspace_id) as connection:
            count: int = await connection.fetchval(_TOTALS[_asked(request, caller)], *_filters(request, caller), *words)
        return count

    async def written(self, rows: Sequence[Row], caller: Principal) -> list[str]:
        """The threads as JSON, but for what the caller has not read."""
        seen_from = {row.thread_id: row.part.seen_from if row.part else None for row in rows}
        async with self._database.reading(caller.workspace_id) as connection:
            threads = await readers_threads(connection, seen_from)
        return [threads[row.thread_id] for row in rows]


def _asked(request: ListThreads, caller: Principal) -> _Asked:
    return _Asked(sight(caller), request.q is not None)


def _filters(request: ListThreads, caller: Principal) -> tuple[UUID, str | None, list[str], str | None, str | None]:
    return (
        caller.user_id,
        contact_key(caller.contact),
        [state.value for state in request.states],
        request.status.value if request.status else None,
        request.kind.value if request.kind else None,
    )
