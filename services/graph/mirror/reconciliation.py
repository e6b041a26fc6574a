"""The mirror compared with PostgreSQL, a range of ids at a time, and mended where it differs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.graph.mirror.connection import Neo4j
from services.graph.mirror.entities import MirroredArtifact, MirroredLink
from services.graph.mirror.mirror import Mirror
from services.graph.mirror.statements import (
    LABELS,
    LIST_ARTIFACTS,
    LIST_LINKS,
    REMOVE_ARTIFACTS,
    REMOVE_LINKS,
    REMOVE_NOTES,
    SUM_ARTIFACTS,
    SUM_LINKS,
    UNVERSION,
)
from services.graph.repository.mirror import Bucket, MirrorSource, Sums
from shared.contracts.graph.links import LinkType
from shared.identifiers import FIRST_ID

SUMMED, BUCKET = 20_000, 2_000
"""Rows that one checksum is of, and that are compared one by one at once."""
MOST_DELETED = 0.05
"""Of what the mirror has; whoever deletes more says so: it may be PostgreSQL that lost something."""
_AFTER_ALL = "g"  # after every id

type Shape = tuple[Any, ...]


class TooManyToDelete(Exception):
    """The mirror has more that PostgreSQL does not know than is deleted without `--force`."""


@dataclass(slots=True)
class Differences:
    """wrong: missing in the mirror, or another there. unknown: in the mirror alone. compared: of both kinds, in the mirror."""

    wrong_artifacts: list[MirroredArtifact] = field(default_factory=list)
    wrong_links: list[MirroredLink] = field(default_factory=list)
    unknown_artifacts: list[str] = field(default_factory=list)
    unknown_links: list[str] = field(default_factory=list)
    compared: int = 0

    @property
    def count(self) -> int:
        return len(self.wrong_artifacts) + len(self.wrong_links) + self.unknown

    @property
    def unknown(self) -> int:
        return len(self.unknown_artifacts) + len(self.unknown_links)


@dataclass(frozen=True, slots=True)
class _Side:
    """How artifacts are compared, or links."""

    sum_rows: Callable[[UUID, int], Awaitable[Bucket]]
    sum_there: Callable[[Mapping[str, str]], Awaitable[Sums]]
    compare: Callable[[Differences, UUID | None, UUID | None], AsyncIterator[int]]


class Reconciliation:
    """What changes while it is compared is the mirror's own work, and no difference."""

    def __init__(self, mirror: Mirror, source: MirrorSource) -> None:
        self._mirror, self._source = mirror, source
        self._neo4j: Neo4j = mirror.neo4j

    async def find(self, differences: Differences) -> AsyncIterator[int]:
        """Fills in the differences; how many of PostgreSQL's rows were compared, bucket by bucket.

        By checksums of versions: what has the version of a row is taken for the row. Buckets that differ are compared row by row.
        """
        for side in self._sides():
            start: UUID | None = FIRST_ID
            while start is not None:
                bucket = await side.sum_rows(start, SUMMED)
                there = await side.sum_there(_bounds(start, bucket.following))
                if there == bucket.sums:
                    differences.compared += sum(count for count, _ in there.values())
                    yield bucket.rows
                else:
                    async for count in side.compare(differences, start, bucket.following):
                        yield count
                start = bucket.following

    async def find_in_rows(self, differences: Differences) -> AsyncIterator[int]:
        """The same by every property of every row."""
        for side in self._sides():
            async for count in side.compare(differences, FIRST_ID, None):
                yield count

    def _sides(self) -> tuple[_Side, _Side]:
        return (
            _Side(self._source.sum_artifacts, self._sum_artifacts, self._artifacts),
            _Side(self._source.sum_links, self._sum_links, self._links),
        )

    async def _sum_artifacts(self, bounds: Mapping[str, str]) -> Sums:
        return {row["kind"]: (row["there"], row["sum"]) for row in await self._neo4j.run(SUM_ARTIFACTS, **bounds)}

    async def _sum_links(self, bounds: Mapping[str, str]) -> Sums:
        """Of the links by their types, each of which has its own edge beside."""
        found = {kind: await self._neo4j.run(statement, **bounds) for kind, statement in SUM_LINKS.items()}
        sums = {row["kind"]: (row["there"], row["sum"]) for row in found.pop(LinkType.LINKED_TO)}
        specific = {kind: [(row["there"], row["sum"]) for row in rows] for kind, rows in found.items()}
        wanted = {kind: [sums[kind]] if kind in sums else [] for kind in found}
        return sums if specific == wanted else {}

    async def mend(self, differences: Differences, *, force: bool) -> int:
        """How many could not be mended, and are parked. Raises `TooManyToDelete`."""
        if differences.unknown > MOST_DELETED * differences.compared and not force:
            raise TooManyToDelete
        await self._neo4j.run(REMOVE_ARTIFACTS, ids=differences.unknown_artifacts)
        wrong = [str(one.id) for one in differences.wrong_links]
        for statement in REMOVE_LINKS.values():
            await self._neo4j.run(statement, ids=[*differences.unknown_links, *wrong])
        await self._neo4j.run(REMOVE_NOTES, ids=wrong)
        await self._neo4j.run(UNVERSION, ids=[str(one.id) for one in differences.wrong_artifacts])
        parked = 0
        await self._source.unpark([*differences.wrong_artifacts, *differences.wrong_links])
        for entities in (differences.wrong_artifacts, differences.wrong_links):
            for start in range(0, len(entities), BUCKET):
                parked += await self._mirror.put(entities[start : start + BUCKET])
        return parked

    async def _artifacts(self, differences: Differences, start: UUID | None, end: UUID | None) -> AsyncIterator[int]:
        while start is not None:
            position = (await self._mirror.standing()).position
            rows, following = _within(await self._source.artifacts_from(start, BUCKET), end)
            asked = await self._neo4j.run(LIST_ARTIFACTS, **_bounds(start, following or end))
            there = {row["id"]: _artifact_there(row) for row in asked}
            differences.compared += len(there)
            for one in rows:
                found = there.pop(str(one.id), None)
                if 0 < one.position <= position and found != _artifact_wanted(one) and not _is_newer(found, one.position):
                    differences.wrong_artifacts.append(one)
            differences.unknown_artifacts += there
            yield len(rows)
            start = following

    async def _links(self, differences: Differences, start: UUID | None, end: UUID | None) -> AsyncIterator[int]:
        while start is not None:
            position = (await self._mirror.standing()).position
            rows, following = _within(await self._source.links_from(start, BUCKET), end)
            there: dict[str, dict[LinkType, Shape]] = {}
            for kind, statement in LIST_LINKS.items():
                for row in await self._neo4j.run(statement, **_bounds(start, following or end)):
                    there.setdefault(row["id"], {})[kind] = _link_there(row)
            differences.compared += len(there)
            for one in rows:
                found = there.pop(str(one.id), {})
                newer = any(_is_newer(shape, one.position) for shape in found.values())
                if 0 < one.position <= position and found != _link_wanted(one) and not newer:
                    differences.wrong_links.append(one)
            differences.unknown_links += there
            yield len(rows)
            start = following


def _within[E: (MirroredArtifact, MirroredLink)](rows: Sequence[E], end: UUID | None) -> tuple[list[E], UUID | None]:
    """Those before an end, and where to go on, unless that was all."""
    kept = [one for one in rows if end is None or one.id < end]
    full = len(rows) == BUCKET and len(kept) == len(rows)
    following = UUID(int=rows[-1].id.int + 1) if full else None
    return kept, None if following == end else following


def _bounds(start: UUID, end: UUID | None) -> Mapping[str, str]:
    return {"from": str(start), "before": _AFTER_ALL if end is None else str(end)}


def _is_newer(found: Shape | None, position: int) -> bool:
    """The mirror was brought further after PostgreSQL was read."""
    return found is not None and (found[0] or 0) > position


def _artifact_wanted(one: MirroredArtifact) -> Shape:
    labels = {"Artifact", "Deleted" if one.deleted else LABELS[one.type]}
    return one.position, frozenset(labels), one.properties


def _artifact_there(row: Mapping[str, Any]) -> Shape:
    return row["properties"].get("version"), frozenset(row["labels"]), _native(row["properties"])


def _link_wanted(one: MirroredLink) -> dict[LinkType, Shape]:
    if not one.live:
        return {}
    made: dict[LinkType, Shape] = {LinkType.LINKED_TO: (one.position, str(one.source_id), str(one.target_id), one.properties)}
    if one.type is not LinkType.LINKED_TO:
        made[one.type] = (one.position, *map(str, one.task_first), one.specific_properties)
    return made


def _link_there(row: Mapping[str, Any]) -> Shape:
    return row["properties"].get("version"), row["source"], row["target"], _native(row["properties"])


def _native(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Times as PostgreSQL has them."""
    return {name: value.to_native() if hasattr(value, "to_native") else value for name, value in properties.items()}
