"""Links at things, by Neo4j, with what it does not have yet laid over it: the answer is PostgreSQL's, whatever the mirror lags."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg
from asyncpg.pgproto.pgproto import UUID as QuickUUID  # made and written in C: a fifth of the time of a hop is that of its ids

from services.graph.domain import Place
from services.graph.engines import MirrorIsAway
from services.graph.hops import Direction, Edge
from services.graph.mirror.connection import BatchIsRefused, Neo4j
from services.graph.mirror.statements import HOP_ALONG, HOP_BOTH
from services.graph.mirror.worker import NEAR, Keeper
from services.graph.repository.mirror import pending_links
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType
from shared.contracts.graph.reads import Engine
from shared.database.connections import Database


class _Met(NamedTuple):
    edge: Edge
    along: bool


class MirrorHops:
    engine = Engine.NEO4J

    def __init__(self, neo4j: Neo4j, keeper: Keeper, database: Database) -> None:
        self._neo4j, self._keeper, self._database = neo4j, keeper, database

    def is_near(self) -> bool:
        return self._keeper.is_near()

    async def from_(
        self, workspace_id: UUID, near: Sequence[UUID], direction: Direction, types: Sequence[LinkType], most: int
    ) -> list[Edge]:
        """What the mirror lacks is looked up meanwhile, from where it was known to be: what is laid over twice does no harm."""
        known = self._keeper.position
        pending = asyncio.create_task(self._pending(workspace_id, known, near))
        try:
            position, found = await self._found(near, direction, types, most)
        except BaseException:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
            raise
        lacking = await pending
        if position < known:  # it was wiped or put back since
            lacking = await self._pending(workspace_id, position, near)
        changed, asked = {str(row["id"]) for row in lacking}, {str(one): one for one in near}
        met = [_met(row, asked) for row in found if row[1] not in changed]
        if lacking:
            met += [one for row in lacking if row["live"] and row["type"] in types for one in _meetings(row, set(near), direction)]
            return _cut(met, most)
        return [one.edge for one in met]

    async def _found(
        self, near: Sequence[UUID], direction: Direction, types: Sequence[LinkType], most: int
    ) -> tuple[int, list[tuple[str, str, str, str, bool]]]:
        """How far the mirror is, and what it has."""
        asked = {"near": [str(one) for one in near], "types": [kind.value for kind in types], "most": most}
        hop = HOP_BOTH if direction is Direction.BOTH else HOP_ALONG
        try:
            found = await self._neo4j.read(hop, mirror=self._keeper.mirror_id, **asked)
        except (BatchIsRefused, MirrorIsAway) as away:
            self._keeper.doubt(str(away))
            raise MirrorIsAway(str(away)) from away
        if not found or found[0]["position"] is None:
            raise MirrorIsAway("it is being made anew")
        return found[0]["position"], found[0]["met"]

    async def _pending(self, workspace_id: UUID, position: int, near: Sequence[UUID]) -> list[asyncpg.Record]:
        async with self._database.reading(workspace_id) as connection:
            rows = await pending_links(connection, position, near, 2 * NEAR)
        if rows is None:
            raise MirrorIsAway("it is too far behind")
        return rows


def _met(row: tuple[str, str, str, str, bool], asked: Mapping[str, UUID]) -> _Met:
    near, _, far, kind, along = row
    return _Met(Edge(asked[near], Place(ArtifactType(kind), QuickUUID(far))), along)


def _meetings(row: asyncpg.Record, near: set[UUID], direction: Direction) -> list[_Met]:
    """A link, from each of its ends that is asked about."""
    made = []
    if row["source_id"] in near:
        made.append(_Met(Edge(row["source_id"], Place(ArtifactType(row["target_type"]), row["target_id"])), along=True))
    if row["target_id"] in near and direction is Direction.BOTH:
        made.append(_Met(Edge(row["target_id"], Place(ArtifactType(row["source_type"]), row["source_id"])), along=False))
    return made


def _cut(met: Sequence[_Met], most: int) -> list[Edge]:
    """At most so many of each thing and direction, by the ids of what they lead to, as PostgreSQL does it."""
    by_end: dict[tuple[UUID, bool], list[Edge]] = {}
    for one in met:
        by_end.setdefault((one.edge.near, one.along), []).append(one.edge)
    return [edge for edges in by_end.values() for edge in sorted(edges, key=lambda edge: edge.far.id)[:most]]
