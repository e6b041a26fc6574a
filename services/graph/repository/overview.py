"""A project's things and their links, and things without any: what is there, whoever sees it."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.graph.domain import Place
from services.graph.repository.links import COLUMNS, link_of
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import ArtifactLink
from shared.database.connections import Database

OF_PROJECT = """
    SELECT id, type FROM artifacts WHERE project_id = $1 AND NOT deleted ORDER BY id LIMIT $2"""
THREADS_OF_PROJECT = "SELECT thread_id AS id, 'THREAD' AS type FROM project_threads WHERE project_id = $1"

# A link that is met at both of its ends is between what is shown.
LINKS_AT = f"""
    SELECT * FROM (
        SELECT DISTINCT ON (met.id) met.*, count(*) OVER (PARTITION BY met.id) AS ends, bool_or(place = $2) OVER () AS more
        FROM unnest($1::uuid[]) AS at (id) CROSS JOIN LATERAL (
            (SELECT {COLUMNS}, row_number() OVER (ORDER BY target_id, id) AS place FROM artifact_links
                WHERE source_id = at.id AND deleted_at IS NULL ORDER BY target_id, id LIMIT $2)
            UNION ALL
            (SELECT {COLUMNS}, row_number() OVER (ORDER BY source_id, id) AS place FROM artifact_links
                WHERE target_id = at.id AND deleted_at IS NULL ORDER BY source_id, id LIMIT $2)) AS met
        ORDER BY met.id) AS found
    ORDER BY ends DESC, id LIMIT $3"""

# An end that is gone takes its links with it. Where nearly everything is linked, few are found however long one looks: so it is said
# how far it was looked.
_LINKED = """
    SELECT l.id FROM artifact_links l JOIN artifacts far ON far.id = l.{far}
    WHERE l.{near} = a.id AND l.deleted_at IS NULL AND NOT far.deleted"""
_ORPHANS = f"""
    WITH looked AS MATERIALIZED (
        SELECT id, type FROM artifacts WHERE {{of}} AND NOT deleted AND id < $2 AND type = ANY($3::text[]) ORDER BY id DESC LIMIT $4)
    SELECT a.id, a.type, linked.id IS NULL AS alone FROM looked a LEFT JOIN LATERAL (
        ({_LINKED.format(near="source_id", far="target_id")})
        UNION ALL ({_LINKED.format(near="target_id", far="source_id")}) LIMIT 1) AS linked ON true
    ORDER BY a.id DESC"""
ORPHANS = _ORPHANS.format(of="workspace_id = $1")
ORPHANS_OF_PROJECT = _ORPHANS.format(of="project_id = $1")

LOOKED_AT = 1_000
"""Things that one statement looks at for some without links."""


class Overview:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_project(self, workspace_id: UUID, project_id: UUID, most: int) -> list[Place]:
        """The oldest first, its thread before all."""
        async with self._database.reading(workspace_id) as connection:
            threads = await connection.fetch(THREADS_OF_PROJECT, project_id)
            return [_place(row) for row in (*threads, *await connection.fetch(OF_PROJECT, project_id, most))]

    async def links_at(self, workspace_id: UUID, places: Sequence[UUID], most_each: int, most: int) -> tuple[list[ArtifactLink], bool]:
        """The links between some things, then those from them to others, each by their ids; whether these are all of them.

        most_each: of one thing, in one direction. most: altogether.
        """
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(LINKS_AT, places, most_each + 1, most + 1)
        return [link_of(row) for row in rows[:most]], len(rows) <= most and not any(row["more"] for row in rows)

    async def orphans(
        self, workspace_id: UUID, project_id: UUID | None, types: Sequence[ArtifactType], before: UUID
    ) -> tuple[list[Place], UUID | None]:
        """Newest first, among the next `LOOKED_AT`; the last of those, unless there are no more."""
        statement = ORPHANS if project_id is None else ORPHANS_OF_PROJECT
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(statement, project_id or workspace_id, before, types, LOOKED_AT)
        return [_place(row) for row in rows if row["alone"]], rows[-1]["id"] if len(rows) == LOOKED_AT else None


def _place(row: asyncpg.Record) -> Place:
    return Place(ArtifactType(row["type"]), row["id"])
