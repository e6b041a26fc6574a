"""What the mirror is made of: rows in the order of their last changes, which the one who mirrors gives them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import batched
from uuid import UUID

import asyncpg

from services.graph.mirror.entities import Entity, MirroredArtifact, MirroredLink
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType
from shared.database.connections import Connection, Database, once_more

_ROWS_AT_ONCE = 20  # in some 0.3 ms
AT_ONCE = 5_000  # rows that get their positions in one transaction

# Positions are given under a lock that is held until they are committed, so whoever reads up to one has seen all below it.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('graph.positions'))"
_PLACE = """
    WITH taken AS (SELECT id FROM {table} WHERE position IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
    UPDATE {table} t SET position = nextval('positions') FROM taken WHERE t.id = taken.id"""
PLACE_ARTIFACTS, PLACE_LINKS = _PLACE.format(table="artifacts"), _PLACE.format(table="artifact_links")

HEAD = """
    SELECT greatest((SELECT max(position) FROM artifacts WHERE position IS NOT NULL),
        (SELECT max(position) FROM artifact_links WHERE position IS NOT NULL), 0)"""

_ARTIFACT = "a.id, a.type, a.workspace_id, a.project_id, a.thread_id, a.title, a.number, a.deleted, a.created_at, a.position"
# An end that nobody told of yet is there for its owner, who is asked by whoever reads.
_LIVE = "l.deleted_at IS NULL AND s.deleted IS NOT TRUE AND t.deleted IS NOT TRUE"
_LINK = f"""l.id, l.source_type, l.source_id, l.target_type, l.target_id, l.type,
    l.derived IS NOT NULL AS derived, l.created_by, l.created_at, l.position,
    {_LIVE} AS live"""
_ENDS = "LEFT JOIN artifacts s ON s.id = l.source_id LEFT JOIN artifacts t ON t.id = l.target_id"

WINDOW = """
    SELECT max(position) AS until, count(*) AS changes FROM (
        (SELECT position FROM artifacts WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3)
        UNION ALL (SELECT position FROM artifact_links WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3)
        ORDER BY position LIMIT $3) AS next"""
ARTIFACTS_BETWEEN = f"SELECT {_ARTIFACT} FROM artifacts a WHERE a.position > $1 AND a.position <= $2 ORDER BY a.position"
LINKS_BETWEEN = f"""
    SELECT {_LINK} FROM (
        SELECT * FROM artifact_links WHERE position > $1 AND position <= $2 ORDER BY position) AS l {_ENDS}
    ORDER BY l.position"""
ARTIFACTS_BY_ID = f"SELECT {_ARTIFACT} FROM artifacts a WHERE a.id >= $1 ORDER BY a.id LIMIT $2"
LINKS_BY_ID = f"SELECT {_LINK} FROM (SELECT * FROM artifact_links WHERE id >= $1 ORDER BY id LIMIT $2) AS l {_ENDS} ORDER BY l.id"

# A bucket is summed up by its rows' versions, mixed: a version is given out once, so it says what has it, and how it was then.
_MIXED = "sum({of}.position % 2147483647 * 2654435761 % 4294967291)"
SUM_ARTIFACTS = f"""
    WITH bucket AS MATERIALIZED (SELECT id, type, deleted, position FROM artifacts WHERE id >= $1 ORDER BY id LIMIT $2)
    SELECT CASE WHEN deleted THEN 'DELETED' ELSE type END AS kind, count(*) AS rows, count(*) AS there,
        {_MIXED.format(of="b")}::bigint AS sum, (SELECT id FROM bucket ORDER BY id DESC LIMIT 1) AS last
    FROM bucket b GROUP BY kind"""
SUM_LINKS = f"""
    WITH bucket AS MATERIALIZED (
        SELECT id, type, source_id, target_id, deleted_at, position FROM artifact_links WHERE id >= $1 ORDER BY id LIMIT $2)
    SELECT l.type AS kind, count(*) AS rows, count(*) FILTER (WHERE {_LIVE}) AS there,
        ({_MIXED.format(of="l")} FILTER (WHERE {_LIVE}))::bigint AS sum, (SELECT id FROM bucket ORDER BY id DESC LIMIT 1) AS last
    FROM bucket l {_ENDS} GROUP BY kind"""

STATE = """
    SELECT (SELECT count(*) FROM (SELECT FROM artifacts WHERE position IS NULL LIMIT $2) AS taken)
        + (SELECT count(*) FROM (SELECT FROM artifact_links WHERE position IS NULL LIMIT $2) AS taken)
        + (SELECT count(*) FROM (SELECT FROM artifacts WHERE position > $1 LIMIT $2) AS taken)
        + (SELECT count(*) FROM (SELECT FROM artifact_links WHERE position > $1 LIMIT $2) AS taken) AS behind,
        now() - least(
            (SELECT min(updated_at) FROM (SELECT updated_at FROM artifacts WHERE position IS NULL LIMIT $2) AS taken),
            (SELECT min(updated_at) FROM (SELECT updated_at FROM artifact_links WHERE position IS NULL LIMIT $2) AS taken),
            (SELECT min(updated_at) FROM (SELECT updated_at FROM artifacts WHERE position > $1 ORDER BY position LIMIT 1) AS next),
            (SELECT min(updated_at) FROM (SELECT updated_at FROM artifact_links WHERE position > $1 ORDER BY position LIMIT 1) AS next)
        ) AS since, (SELECT count(*) FROM unmirrored) AS parked"""

_COUNTS = f"""
    SELECT (SELECT count(*) FROM artifacts WHERE NOT deleted) AS artifacts,
        (SELECT count(*) FROM artifact_links l {_ENDS} WHERE {_LIVE}) AS links"""

_PARK = """
    INSERT INTO unmirrored (id, kind, position, error) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO UPDATE SET position = excluded.position, error = excluded.error, parked_at = now()"""


@dataclass(frozen=True, slots=True)
class Window:
    """All that changed between two positions, as it is now."""

    entities: Sequence[Entity]
    after: int
    until: int


type Sums = dict[str, tuple[int, int]]
"""How many of each kind there are, and their checksum."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A range of ids, summed up. following: where the next one begins."""

    rows: int
    following: UUID | None
    sums: Sums


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the mirror has not got yet: how many, and for how long the first of them."""

    behind: int
    since: timedelta
    parked: int


class MirrorSource:
    """`background` is the background role's."""

    def __init__(self, background: Database) -> None:
        self._background = background

    async def mirror_id(self) -> UUID:
        async with self._background.connection() as connection:
            identifier: UUID = await connection.fetchval("SELECT id FROM mirror")
        return identifier

    async def place(self) -> int:
        """Give what has changed its position; how many had none, at most."""

        async def attempt() -> int:
            async with self._background.installation() as connection:
                await connection.execute(_LOCK)
                placed = await connection.execute(PLACE_ARTIFACTS, AT_ONCE), await connection.execute(PLACE_LINKS, AT_ONCE)
            return max(int(status.rpartition(" ")[2]) for status in placed)

        return await once_more(attempt)

    async def head(self) -> int:
        async with self._background.connection() as connection:
            head: int = await connection.fetchval(HEAD)
        return head

    async def window(self, after: int, head: int, most: int) -> Window:
        """The next `most` changes, ready to be sent. What changes once more meanwhile has left it for a later one."""
        async with self._background.connection() as connection:
            next_ones = await connection.fetchrow(WINDOW, after, head, most)
            assert next_ones is not None
            until = next_ones["until"] if next_ones["changes"] == most else head
            artifacts = await connection.fetch(ARTIFACTS_BETWEEN, after, until)
            links = await connection.fetch(LINKS_BETWEEN, after, until)
        return Window([*await _made(artifact_of, artifacts), *await _made(link_of, links)], after, until)

    async def artifacts_from(self, identifier: UUID, most: int) -> list[MirroredArtifact]:
        async with self._background.connection() as connection:
            return [artifact_of(row) for row in await connection.fetch(ARTIFACTS_BY_ID, identifier, most)]

    async def links_from(self, identifier: UUID, most: int) -> list[MirroredLink]:
        async with self._background.connection() as connection:
            return [link_of(row) for row in await connection.fetch(LINKS_BY_ID, identifier, most)]

    async def sum_artifacts(self, identifier: UUID, most: int) -> Bucket:
        return await self._summed(SUM_ARTIFACTS, identifier, most)

    async def sum_links(self, identifier: UUID, most: int) -> Bucket:
        """Those that are there, by their types."""
        return await self._summed(SUM_LINKS, identifier, most)

    async def _summed(self, statement: str, identifier: UUID, most: int) -> Bucket:
        async with self._background.connection() as connection:
            found = await connection.fetch(statement, identifier, most)
        rows = sum(row["rows"] for row in found)
        following = UUID(int=found[0]["last"].int + 1) if rows == most else None
        return Bucket(rows, following, {row["kind"]: (row["there"], row["sum"] or 0) for row in found if row["there"]})

    async def backlog(self, position: int, most: int) -> Backlog:
        """Counted up to `most` of each kind."""
        async with self._background.connection() as connection:
            row = await connection.fetchrow(STATE, position, most)
        assert row is not None
        return Backlog(row["behind"], row["since"] or timedelta(), row["parked"])

    async def counts(self) -> tuple[int, int]:
        """Artifacts and links that are there."""
        async with self._background.connection() as connection:
            row = await connection.fetchrow(_COUNTS)
        assert row is not None
        return row["artifacts"], row["links"]

    async def park(self, entity: Entity, error: str) -> None:
        kind = "link" if isinstance(entity, MirroredLink) else "artifact"
        async with self._background.installation() as connection:
            await connection.execute(_PARK, entity.id, kind, entity.position, error.replace("\0", ""))

    async def unpark(self, entities: Sequence[Entity]) -> None:
        """What was taken after all."""
        async with self._background.installation() as connection:
            await connection.execute("DELETE FROM unmirrored WHERE id = ANY($1)", [one.id for one in entities])


PENDING = """
    WITH pending AS MATERIALIZED (
        (SELECT * FROM artifact_links WHERE position IS NULL LIMIT $3)
        UNION ALL (SELECT * FROM artifact_links WHERE position > $1 LIMIT $3))
    SELECT counted.number AS all_of_them, near.id, near.source_id, near.source_type, near.target_id, near.target_type, near.type,
        near.deleted_at IS NULL AS live
    FROM (SELECT count(*) AS number FROM pending) AS counted
    LEFT JOIN pending AS near ON near.source_id = ANY($2) OR near.target_id = ANY($2)"""


async def pending_links(connection: Connection, position: int, near: Sequence[UUID], most: int) -> list[asyncpg.Record] | None:
    """Links at some things that the mirror does not have as they are now; None where there are too many to say."""
    rows = await connection.fetch(PENDING, position, near, most)
    if rows[0]["all_of_them"] >= most:
        return None
    return [row for row in rows if row["id"] is not None]


async def _made[E: Entity](entity_of: Callable[[asyncpg.Record], E], rows: Sequence[asyncpg.Record]) -> list[E]:
    """With what is sent of each, while Neo4j takes the last window; and few at a time, so that whoever talks to it has turns between."""
    made = list[E]()
    for some in batched(rows, _ROWS_AT_ONCE, strict=False):
        for row in some:
            entity = entity_of(row)
            assert entity.row
            made.append(entity)
        await asyncio.sleep(0)
    return made


def artifact_of(row: asyncpg.Record) -> MirroredArtifact:
    return MirroredArtifact(**{**row, "type": ArtifactType(row["type"]), "position": row["position"] or 0})


def link_of(row: asyncpg.Record) -> MirroredLink:
    kinds = {"source_type": ArtifactType(row["source_type"]), "target_type": ArtifactType(row["target_type"])}
    return MirroredLink(**{**row, **kinds, "type": LinkType(row["type"]), "position": row["position"] or 0})
