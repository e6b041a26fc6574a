"""The rules of links: no I/O, no clock, no SQL."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.links import LinkType
from shared.contracts.graph.reads import ArtifactNotFound
from shared.contracts.refusals import FieldError, RequestIsInvalid

MOST_REFERENCES = 50  # that one message is linked by

_TASK_NUMBER = re.compile(r"(?<![\w#])#T-([1-9]\d{0,8})\b")
_ADDRESS = re.compile(r"/projects/[0-9a-fA-F-]{36}/(tasks|files|pages)/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
_IN_ADDRESSES = {"tasks": ArtifactType.TASK, "files": ArtifactType.FILE, "pages": ArtifactType.PAGE}

# Spec 4, Relationship Types: by the ends, whichever is the source.
_BY_ENDS = {
    frozenset({ArtifactType.TASK, ArtifactType.FILE}): LinkType.TASK_FILE,
    frozenset({ArtifactType.TASK, ArtifactType.PAGE}): LinkType.TASK_PAGE,
    frozenset({ArtifactType.TASK, ArtifactType.MESSAGE}): LinkType.TASK_MESSAGE,
}


class Derived(StrEnum):
    """What a link comes from that nobody made."""

    REPLY = "reply"
    ATTACHMENT = "attachment"
    REFERENCE = "reference"
    PAGE = "page"


class Place(NamedTuple):
    """A thing, by its id and what it is."""

    type: ArtifactType
    id: UUID


@dataclass(frozen=True, slots=True)
class DerivedLink:
    """A link as its source says that it is. by: whose doing the source is."""

    source: Place
    target: Place
    derived: Derived
    workspace_id: UUID
    project_id: UUID | None
    thread_id: UUID | None
    by: UUID


@dataclass(frozen=True, slots=True)
class References:
    """What a message's text names: tasks by their numbers, things by their addresses."""

    numbers: Sequence[int]
    places: Sequence[Place]


def link_type(source: ArtifactType, target: ArtifactType) -> LinkType:
    return _BY_ENDS.get(frozenset({source, target}), LinkType.LINKED_TO)


def references(content: str) -> References:
    """Of a message, which is HTML: addresses may be in its links."""
    numbers = dict.fromkeys(int(number) for number in _TASK_NUMBER.findall(content))
    places = dict.fromkeys(Place(_IN_ADDRESSES[kind], UUID(identifier)) for kind, identifier in _ADDRESS.findall(content))
    return References(list(numbers)[:MOST_REFERENCES], list(places)[:MOST_REFERENCES])


def place(type_name: str, identifier: UUID) -> Place:
    """What a path names. Raises `ArtifactNotFound`."""
    try:
        return Place(ArtifactType(type_name.upper()), identifier)
    except ValueError:
        raise ArtifactNotFound from None


def place_of(text: str) -> Place:
    """`task:<id>`. Raises `ArtifactNotFound`."""
    name, _, identifier = text.partition(":")
    try:
        return place(name, UUID(identifier))
    except ValueError:
        raise ArtifactNotFound from None


def named[T: StrEnum](kinds: type[T], names: str | None, field: str) -> frozenset[T]:
    """Some of a kind, by commas; all where nothing is said. Raises `RequestIsInvalid`."""
    if names is None:
        return frozenset(kinds)
    try:
        return frozenset(kinds(name.upper()) for name in names.split(","))
    except ValueError:
        detail = f"Some of {', '.join(kinds)}, by commas."
        raise RequestIsInvalid(errors=[FieldError(field=field, code="unknown", detail=detail)]) from None


def newest(artifacts: Iterable[Artifact]) -> list[Artifact]:
    """Each once, in the order of their ids, in which they are locked."""
    kept: dict[UUID, Artifact] = {}
    for one in artifacts:
        before = kept.get(one.id)
        if before is None or before.version < one.version:
            kept[one.id] = one
    return [kept[identifier] for identifier in sorted(kept)]
