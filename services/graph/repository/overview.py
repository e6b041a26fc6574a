"""A project's things and their links, and things without any: what is there, whoever sees it."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.graph.domain import Place
from services.graph.repository.links import COLUMNS, link_of
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import Link
from shared.database.connections import Database

OF_PROJECT = """
    SELECT id, type FROM artifacts WHERE project_id = $1 AND NOT deleted ORDER BY id LIMIT $2"""
THREADS_OF_PROJECT = "SELECT thread_id AS id, 'THREAD' AS type FROM project_threads WHERE project_id = $1"

LINKS_AT = f"""
    SELECT DISTINCT ON (found.id) found.* FROM unnest($1::uuid[]) AS at (id) CROSS JOIN LATERAL (
        (SELECT {COLUMNS} FROM artifact_links WHERE source_id = at.id AND deleted_at IS NULL ORDER BY target_id LIMIT $2)
        UNION ALL
        (SELECT {COLUMNS} FROM artifact_links WHERE target_id = at.id AND deleted_at IS NULL ORDER BY source_id LIMIT $2)) AS found
    ORDER BY found.id"""

# An end that is gone takes its links with it.
_LINKED = """
    EXISTS (SELECT FROM artifact_links l JOIN artifacts far ON far.id = l.{far} WHERE l.{near} = a.id AND l.deleted_at IS NULL
        AND NOT far.deleted)"""
_ORPHANS = f"""
    SELECT a.id, a.type FROM artifacts a
    WHERE {{of}} AND NOT a.deleted AND a.id < $2 AND a.type = ANY($3::text[])
        AND NOT {_LINKED.format(near="source_id", far="target_id")} AND NOT {_LINKED.format(near="target_id", far="source_id")}
    ORDER BY a.id DESC LIMIT $4"""
ORPHANS = _ORPHANS.format(of="a.workspace_id = $1")
ORPHANS_OF_PROJECT = _ORPHANS.format(of="a.project_id = $1")


class Overview:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_project(self, workspace_id: UUID, project_id: UUID, most: int) -> list[Place]:
        """The oldest first, its thread before all."""
        async with self._database.reading(workspace_id) as connection:
            threads = await connection.fetch(THREADS_OF_PROJECT, project_id)
            return [_place(row) for row in (*threads, *await connection.fetch(OF_PROJECT, project_id, most))]

    async def links_at(self, workspace_id: UUID, places: Sequence[UUID], most: int) -> list[Link]:
        """At most so many of each thing and direction."""
        async with self._database.reading(workspace_id) as connection:
            return [link_of(row) for row in await connection.fetch(LINKS_AT, places, most)]

    async def orphans(
        self, workspace_id: UUID, project_id: UUID | None, types: Sequence[ArtifactType], before: UUID, limit: int
    ) -> list[Place]:
        """Newest first."""
        statement = ORPHANS if project_id is None else ORPHANS_OF_PROJECT
        async with self._database.reading(workspace_id) as connection:
            return [_place(row) for row in await connection.fetch(statement, project_id or workspace_id, before, types, limit)]


def _place(row: asyncpg.Record) -> Place:
    return Place(ArtifactType(row["type"]), row["id"])
