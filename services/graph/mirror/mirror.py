"""The mirror itself: how far it is, and how it is brought further."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from services.graph.engines import MirrorIsAway
from services.graph.mirror.connection import BatchIsRefused, BatchIsTooLarge, Neo4j
from services.graph.mirror.entities import Entity, MirroredLink
from services.graph.mirror.statements import (
    AWAIT_SCHEMA,
    BEGIN,
    BEGIN_WIPE,
    DROP_ORPHAN,
    END_WIPE,
    FORGET_OTHERS,
    HOP_ALONG,
    HOP_BOTH,
    IS_EMPTY,
    MOVE,
    ORPHANS,
    READ_MIRRORS,
    SCHEMA,
    WIPE,
)
from services.graph.mirror.writing import write
from services.graph.repository.mirror import MirrorSource, Window
from shared.contracts.graph.links import LinkType

log = structlog.get_logger()

WIPED_AT_ONCE = 10_000


class MirrorIsAnothers(Exception):
    """This Neo4j holds another graph; it is left alone. `atrium graph rebuild --force` takes it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a mirror is. wiping: it is being emptied, to be made anew."""

    position: int
    wiping: bool


class Mirror:
    def __init__(self, neo4j: Neo4j, source: MirrorSource, mirror_id: UUID) -> None:
        self.neo4j, self._source, self.id = neo4j, source, str(mirror_id)

    async def prepare(self) -> None:
        """Constraints and indexes, and whose it is: run again, it changes nothing. Raises `MirrorIsAnothers`."""
        await self.standing()
        for orphan in await self.neo4j.run(ORPHANS):
            await self.neo4j.run(DROP_ORPHAN[orphan["name"]])
        for statement in SCHEMA:
            await self.neo4j.run(statement)
        await self.neo4j.run(AWAIT_SCHEMA)
        await self.neo4j.run(BEGIN, mirror=self.id)

    async def warm(self) -> None:
        """Ask what readers ask. Raises `MirrorIsAway` where it does not answer as fast as they want it."""
        asked = {"mirror": self.id, "near": [self.id], "types": [*LinkType], "most": 1}
        for hop in (HOP_ALONG, HOP_BOTH):
            await self.neo4j.run(hop, **asked)
            await self.neo4j.read(hop, **asked)

    async def standing(self) -> Standing:
        """Raises `MirrorIsAnothers` for a Neo4j that has a graph, and not this one."""
        found = {row["id"]: Standing(row["position"], row["wiping"]) for row in await self.neo4j.run(READ_MIRRORS)}
        if self.id in found:
            return found[self.id]
        if found or not (await self.neo4j.run(IS_EMPTY))[0]["empty"]:
            raise MirrorIsAnothers
        return Standing(0, wiping=False)

    async def begin_anew(self) -> None:
        """From now on it is empty, and waits to be made again."""
        await self.neo4j.run(FORGET_OTHERS, mirror=self.id)
        await self.neo4j.run(BEGIN_WIPE, mirror=self.id)

    async def wipe(self) -> None:
        """A batch at a time, so that it can be gone on with. Raises `MirrorIsAway` where Neo4j has no memory even for the least of all."""
        for statement in WIPE:
            while await self._wiped_some(statement, WIPED_AT_ONCE):
                pass
        await self.neo4j.run(END_WIPE, mirror=self.id)

    async def _wiped_some(self, statement: str, most: int) -> bool:
        try:
            return await self.neo4j.changed(statement, most=most)
        except BatchIsTooLarge as large:
            if most == 1:
                raise MirrorIsAway(str(large)) from large
            return await self._wiped_some(statement, most // 2)

    async def apply(self, window: Window) -> None:
        """What changed, and how far the mirror is with it, in one transaction; what it refuses is found by halves, and parked.

        Raises `MirrorIsAway` where it has not got all that comes before.
        """
        moved = (MOVE, {"mirror": self.id, "after": window.after, "position": window.until})
        try:
            await write(self.neo4j, window.entities, moved)
        except BatchIsRefused:
            await self.put(window.entities)
            await write(self.neo4j, [], moved)

    async def put(self, entities: Sequence[Entity]) -> int:
        """Without moving on; how many were parked. Raises `MirrorIsAway`."""
        if not entities:
            return 0
        try:
            await write(self.neo4j, entities)
        except BatchIsRefused as refused:
            if len(entities) > 1:
                middle = len(entities) // 2
                return await self.put(entities[:middle]) + await self.put(entities[middle:])
            if isinstance(refused, BatchIsTooLarge):
                raise MirrorIsAway(str(refused)) from refused  # for the least of all: it is Neo4j that lacks memory
            await self._source.park(entities[0], str(refused))
            kind = "link" if isinstance(entities[0], MirroredLink) else "artifact"
            log.error("entity_is_not_mirrored", kind=kind, id=entities[0].id, error=str(refused))
            return 1
        return 0
