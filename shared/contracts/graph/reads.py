"""What hangs together with what: hop by hop, and never through what the caller cannot see."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType
from shared.contracts.model import Request, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import ProjectNotFound
from shared.contracts.refusals import CursorIsNotValid, NotFound, RequestIsInvalid

DEEPEST = 4

TypeName = Annotated[str, Field(max_length=80)]
Names = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z_]+(,[A-Za-z_]+)*$")]
Place = Annotated[str, Field(max_length=80)]


class Engine(StrEnum):
    """What found the links: the mirror, or PostgreSQL itself. The answers are the same."""

    NEO4J = "neo4j"
    SQL = "sql"


class Cut(StrEnum):
    """Why an answer is not all of it."""

    NODES = "nodes"
    """As many things were looked at as are for one question."""

    DEADLINE = "deadline"
    """As much time was spent as there is for one question."""

    LIMIT = "limit"
    """There are more than were asked for."""


class Node(View):
    """A thing in the graph."""

    type: ArtifactType
    id: UUID
    title: str
    project_id: UUID | None
    thread_id: UUID | None


class Step(View):
    """One thing on a way."""

    type: ArtifactType
    id: UUID


class RelatedNode(Node):
    """distance: links from the root. path: from the root to it, both included, a shortest one."""

    distance: int
    path: list[Step]


class Related(View):
    """Nearest first. partial: it is not all; reason: why."""

    root: Node
    related: list[RelatedNode]
    partial: bool
    reason: Cut | None
    engine: Engine


class Way(View):
    """A shortest way that the caller sees all of, both ends included; empty where there is none."""

    path: list[Node]
    distance: int | None
    partial: bool
    reason: Cut | None
    engine: Engine


class NodeData(View):
    """As cytoscape takes it. label: a title's first 255 characters."""

    id: UUID
    label: str
    type: ArtifactType


class NodeAttributes(View):
    """As sigma takes it."""

    label: str
    type: ArtifactType


class GraphNode(View):
    key: UUID
    data: NodeData
    attributes: NodeAttributes


class EdgeData(View):
    id: UUID
    source: UUID
    target: UUID
    type: LinkType
    derived: bool


class EdgeAttributes(View):
    type: LinkType
    derived: bool


class GraphEdge(View):
    key: UUID
    source: UUID
    target: UUID
    data: EdgeData
    attributes: EdgeAttributes


class ProjectGraph(View):
    """Ready for `cytoscape({elements: {nodes, edges}})`, which reads `data`, and for graphology's `import`, which reads the rest.

    edges: between things of the project first, at most 10,000. partial: it is not all; reason: why.
    """

    nodes: list[GraphNode]
    edges: list[GraphEdge]
    partial: bool
    reason: Cut | None


class Orphans(View):
    """Things without any link, newest first. A page may hold fewer than `limit` while there are more."""

    artifacts: list[Node]
    has_more: bool
    next_cursor: str | None


class ArtifactNotFound(NotFound):
    """There is no such thing, or it is not yours to see."""


class GetRelated(Request):
    """What is linked to a thing, whichever way, over up to `depth` links.

    types: what is shown; it is gone through whatever it is. linkTypes: which links are followed. Both by commas.
    """

    type: TypeName
    id: UUID
    depth: Annotated[int, Field(ge=1, le=DEEPEST)] = 1
    types: Names | None = None
    link_types: Names | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class GetImpact(Request):
    """All that a thing leads to along its links' direction."""

    type: TypeName
    id: UUID
    types: Names | None = None
    link_types: Names | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class FindPath(Request):
    """A shortest way from one thing to another, each as `task:<id>`, whichever way its links go."""

    from_: Annotated[Place, Field(alias="from")]
    to: Place
    link_types: Names | None = None


class GetProjectGraph(Request):
    """A project's things, what they are linked to, and the links between all of those, as far as the caller sees them."""

    project_id: UUID
    limit: Annotated[int, Field(ge=1, le=2_000)] = 500


class ListOrphans(Request):
    """What the caller sees and nothing is linked to. types: by commas."""

    types: Names | None = None
    project_id: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


GET_RELATED = Operation(GetRelated, Related, called_by=[GATEWAY], refuses=[ArtifactNotFound, RequestIsInvalid], coalesced=False)
GET_IMPACT = Operation(GetImpact, Related, called_by=[GATEWAY], refuses=[ArtifactNotFound, RequestIsInvalid], coalesced=False)
FIND_PATH = Operation(FindPath, Way, called_by=[GATEWAY], refuses=[ArtifactNotFound, RequestIsInvalid], coalesced=False)
GET_PROJECT_GRAPH = Operation(GetProjectGraph, ProjectGraph, called_by=[GATEWAY], refuses=[ProjectNotFound], coalesced=False)
LIST_ORPHANS = Operation(ListOrphans, Orphans, called_by=[GATEWAY], refuses=[CursorIsNotValid, RequestIsInvalid], coalesced=False)
