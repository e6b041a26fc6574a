"""What the mirror has of an artifact or a link, as it goes into its statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.graph.mirror.statements import (
    DELETE_ARTIFACTS,
    DELETE_LINKS,
    FORGET_DELETED,
    NAMES,
    NOTE_DELETED,
    PUT_ARTIFACTS,
    PUT_LINKS,
    PUT_SPECIFIC,
)
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType

type Row = dict[str, Any]
type Step = tuple[str, list[Row]]
"""A statement, and the rows that it is for."""


@dataclass(frozen=True, slots=True)
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

    @property
    def row(self) -> Row:
        return {"id": str(self.id), "version": self.position, "properties": self.properties}


@dataclass(frozen=True, slots=True)
class MirroredLink:
    """A link at its position. live: it is there, and so are both of its ends."""

    id: UUID
    workspace_id: UUID
    project_id: UUID | None
    thread_id: UUID | None
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
        return _without_nulls(
            {
                "id": str(self.id),
                "version": self.position,
                "type": self.type.value,
                "workspaceId": str(self.workspace_id),
                "projectId": _text(self.project_id),
                "threadId": _text(self.thread_id),
                "sourceType": self.source_type.value,
                "targetType": self.target_type.value,
                "derived": self.derived,
                "createdBy": str(self.created_by),
                "createdAt": self.created_at,
            }
        )

    @property
    def task_first(self) -> tuple[UUID, UUID]:
        """The ends of its specific edge, which begins at the task."""
        ends = (self.source_id, self.target_id)
        return ends if self.source_type is ArtifactType.TASK else ends[::-1]

    @property
    def row(self) -> Row:
        task, other = self.task_first
        return {
            "id": str(self.id),
            "version": self.position,
            "source": str(self.source_id),
            "target": str(self.target_id),
            "task": str(task),
            "other": str(other),
            "properties": self.properties,
        }


type Entity = MirroredArtifact | MirroredLink


def steps(entities: Sequence[Entity]) -> list[Step]:
    """The statements that bring the mirror to where these are, artifacts first."""
    put: dict[ArtifactType, list[Row]] = {}
    deleted: list[Row] = []
    links: dict[LinkType, list[Row]] = {}
    gone: dict[LinkType, list[Row]] = {}
    for one in entities:
        if isinstance(one, MirroredLink):
            (links if one.live else gone).setdefault(one.type, []).append(one.row)
        elif one.deleted:
            deleted.append(one.row)
        else:
            put.setdefault(one.type, []).append(one.row)
    live, dead = _flat(links), _flat(gone)
    made: list[Step] = [(PUT_ARTIFACTS[kind], rows) for kind, rows in put.items()]
    made += [(DELETE_ARTIFACTS, deleted), (FORGET_DELETED, live), (PUT_LINKS, live)]
    made += [(PUT_SPECIFIC[kind], rows) for kind, rows in links.items() if kind in PUT_SPECIFIC]
    made += [(NOTE_DELETED, dead), (DELETE_LINKS[LinkType.LINKED_TO], dead)]
    made += [(DELETE_LINKS[kind], rows) for kind, rows in gone.items() if kind is not LinkType.LINKED_TO]
    return [(statement, rows) for statement, rows in made if rows]


def _flat(by_type: Mapping[LinkType, list[Row]]) -> list[Row]:
    return [row for rows in by_type.values() for row in rows]


def _text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)


def _without_nulls(properties: Row) -> Row:
    """Neo4j keeps no nulls."""
    return {name: value for name, value in properties.items() if value is not None}
