"""What the mirror has of an artifact or a link, as it goes into its statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import starmap
from typing import Any, NamedTuple
from uuid import UUID

from services.graph.mirror.statements import (
    DELETE_ARTIFACTS,
    DELETE_LINKS,
    FORGET_DELETED,
    LINK_ROW,
    MAKE_LINKS,
    NAMES,
    NOTE_DELETED,
    PUT_ARTIFACTS,
    PUT_LINKS,
)
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

type Row = dict[str, Any]


class Step(NamedTuple):
    """A statement, and the rows that it is for.

    edges: so many it makes of rows' values alone, where both ends of each link are there. otherwise: the statement for links of which an
    end is not.
    """

    statement: str
    rows: list[Row]
    edges: int = 0
    otherwise: str = ""

    @property
    def sent(self) -> list[Any]:
        return [[*row.values()] for row in self.rows] if self.edges else self.rows


@dataclass(frozen=True)
class MirroredArtifact:
    """An artifact at its position, which is its version in the mirror."""

    id: UUID
    type: ArtifactType
    workspace_id: UUID
    project_id: UUID | None
    thread_id: UUID | None
    title: str
    number: int | None
    deleted: bool
    created_at: datetime
    position: int

    @property
    def properties(self) -> Row:
        """Spec 4's, and what else the mirror needs."""
        if self.deleted:
            return {"id": str(self.id), "version": self.position}
        return _without_nulls(
            {
                "id": str(self.id),
                "version": self.position,
                "workspaceId": str(self.workspace_id),
                "projectId": _text(self.project_id),
                "threadId": _text(self.thread_id),
                NAMES[self.type]: self.title,
                "number": self.number,
                "createdAt": self.created_at,
            }
        )

    @cached_property
    def row(self) -> Row:
        """As its statement takes it; made once."""
        if self.deleted:
            return self.properties
        return _with_properties(self.properties)


@dataclass(frozen=True)
class MirroredLink:
    """A link at its position. live: it is there, and so are both of its ends."""

    id: UUID
    source_type: ArtifactType
    source_id: UUID
    target_type: ArtifactType
    target_id: UUID
    type: LinkType
    derived: bool
    created_by: UUID
    created_at: datetime
    live: bool
    position: int

    @property
    def properties(self) -> Row:
        """Spec 4's, and what reads ask for: more cost as much as the link itself."""
        return {
            "id": str(self.id),
            "version": self.position,
            "type": self.type.value,
            "sourceType": self.source_type.value,
            "targetType": self.target_type.value,
            "derived": self.derived,
            "createdBy": str(self.created_by),
            "createdAt": self.created_at,
        }

    @property
    def specific_properties(self) -> Row:
        """Those of its specific edge."""
        properties = self.properties
        return {name: properties[name] for name in ("id", "version", "createdBy", "createdAt")}

    @property
    def begins_at_task(self) -> bool:
        return self.source_type is ArtifactType.TASK

    @property
    def task_first(self) -> tuple[UUID, UUID]:
        """The ends of its specific edge, which begins at the task."""
        ends = (self.source_id, self.target_id)
        return ends if self.begins_at_task else ends[::-1]

    @cached_property
    def row(self) -> Row:
        """As its statements take it; made once."""
        if not self.live:
            return {"id": str(self.id), "version": self.position}
        seconds, nanoseconds = _since_epoch(self.created_at)
        ends = {"source": str(self.source_id), "target": str(self.target_id)}
        known = self.properties | ends | {"seconds": seconds, "nanoseconds": nanoseconds}
        return {name: known[name] for name in LINK_ROW}


type Entity = MirroredArtifact | MirroredLink


@dataclass(frozen=True, slots=True)
class Known:
    """What the mirror knows of some links, by their ids. gone: the versions of those that it knows to be deleted. there: have an edge."""

    gone: dict[str, int]
    there: set[str]


def steps(entities: Sequence[Entity], known: Known) -> list[Step]:
    """The statements that bring the mirror to where these are, artifacts first."""
    put: dict[str, list[Row]] = {}
    deleted: list[Row] = []
    new: dict[tuple[LinkType, bool], list[Row]] = {}
    links: dict[tuple[LinkType, bool], list[Row]] = {}
    there = set(known.there)
    gone: dict[LinkType, list[Row]] = {}
    for one in entities:
        row = one.row
        if isinstance(one, MirroredArtifact):
            (deleted if one.deleted else put.setdefault(PUT_ARTIFACTS[one.type], [])).append(row)
        elif not one.live:
            gone.setdefault(one.type, []).append(row)
        elif known.gone.get(row["id"], -1) < one.position:
            (links if row["id"] in there else new).setdefault((one.type, one.begins_at_task), []).append(row)
            there.add(row["id"])
    back = [
        {"id": row["id"], "version": row["version"]} for rows in (*new.values(), *links.values()) for row in rows if row["id"] in known.gone
    ]
    dead = [row for rows in gone.values() for row in rows]
    made = [*starmap(Step, put.items()), Step(DELETE_ARTIFACTS, deleted), Step(FORGET_DELETED, back)]
    made += [Step(MAKE_LINKS[kind], rows, _edges(kind[0]) * len(rows), PUT_LINKS[kind]) for kind, rows in new.items()]
    made += [Step(PUT_LINKS[kind], rows) for kind, rows in links.items()]
    made += [Step(NOTE_DELETED, dead), Step(DELETE_LINKS[LinkType.LINKED_TO], dead)]
    made += [Step(DELETE_LINKS[kind], rows) for kind, rows in gone.items() if kind is not LinkType.LINKED_TO]
    return [step for step in made if step.rows]


def _edges(kind: LinkType) -> int:
    """Of one link: its own, and its specific one."""
    return 1 if kind is LinkType.LINKED_TO else 2


def _with_properties(properties: Row) -> Row:
    """The time that something was made at goes beside its other properties, as numbers."""
    properties = dict(properties)
    seconds, nanoseconds = _since_epoch(properties.pop("createdAt"))
    alone = {"seconds": seconds, "nanoseconds": nanoseconds, "properties": properties}
    return {"id": properties["id"], "version": properties["version"], **alone}


def _since_epoch(moment: datetime) -> tuple[int, int]:
    """Seconds and nanoseconds."""
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds, since.microseconds * 1_000


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)


def _without_nulls(properties: Row) -> Row:
    """Neo4j keeps no nulls."""
    return {name: value for name, value in properties.items() if value is not None}
