"""Links at things, by PostgreSQL."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.graph.domain import Place
from services.graph.hops import Direction, Edge
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType
from shared.contracts.graph.reads import Engine
from shared.database.connections import Database

_ALONG = """
    SELECT at.id AS near, found.* FROM unnest($1::uuid[]) AS at (id) CROSS JOIN LATERAL (
        SELECT target_id AS far, target_type AS far_type FROM artifact_links
        WHERE source_id = at.id AND deleted_at IS NULL AND type = ANY($2::text[]) ORDER BY target_id LIMIT $3) AS found"""
_AGAINST = """
    SELECT at.id AS near, found.* FROM unnest($1::uuid[]) AS at (id) CROSS JOIN LATERAL (
        SELECT source_id AS far, source_type AS far_type FROM artifact_links
        WHERE target_id = at.id AND deleted_at IS NULL AND type = ANY($2::text[]) ORDER BY source_id LIMIT $3) AS found"""
HOP = {Direction.ALONG: _ALONG, Direction.BOTH: f"{_ALONG} UNION ALL {_AGAINST}"}


class SqlHops:
    """`database` is that of requests: row-level security keeps workspaces apart."""

    engine = Engine.SQL

    def __init__(self, database: Database) -> None:
        self._database = database

    async def from_(
        self, workspace_id: UUID, near: Sequence[UUID], direction: Direction, types: Sequence[LinkType], most: int
    ) -> list[Edge]:
        async with self._database.reading(workspace_id) as connection:
            return [edge_of(row) for row in await connection.fetch(HOP[direction], near, types, most)]


def edge_of(row: asyncpg.Record) -> Edge:
    return Edge(row["near"], Place(ArtifactType(row["far_type"]), row["far"]))
