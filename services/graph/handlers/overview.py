"""A project's graph, and what is linked to nothing."""

import time
from uuid import UUID

from pydantic_core import to_json

from services.graph import domain
from services.graph.domain import Place
from services.graph.handlers.reads import nodes
from services.graph.service import Service
from shared import cursors
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.links import ArtifactLink
from shared.contracts.graph.reads import (
    Cut,
    EdgeAttributes,
    EdgeData,
    GetProjectGraph,
    GraphEdge,
    GraphNode,
    ListOrphans,
    NodeAttributes,
    NodeData,
    Orphans,
    ProjectGraph,
)
from shared.contracts.principal import Principal
from shared.identifiers import LAST_ID

MOST_LINKS = 100
"""Links at one thing that a graph shows in each direction."""
MOST_EDGES = 10_000
"""Of one graph, which travels in one message of NATS: 4 of its 8 MB."""
REPLY_BYTES = 7 * 1024 * 1024
EDGE_BYTES = 420
"""What one takes at most, as JSON."""
LABEL_LENGTH = 255
SECONDS = 1.0
"""For how long one page of things without links is looked for: where nearly everything is linked, or hidden, it may end up empty."""
ASKED = 200
"""Things that owners are asked about at once."""


async def get_project_graph(request: GetProjectGraph, caller: Principal, service: Service) -> ProjectGraph:
    """Things of the project first; what they are linked to elsewhere comes while there is room."""
    await service.owners.see_project(request.project_id, caller)
    workspace, limit = caller.workspace_id, request.limit
    own = await service.overview.of_project(workspace, request.project_id, limit + 1)
    seen = await service.owners.seen(own[:limit], caller)
    links, all_links = await service.overview.links_at(workspace, list(seen), MOST_LINKS, MOST_EDGES)
    ends = {place for link in links for place in _ends(link)}
    others = sorted((place for place in ends if place.id not in seen), key=lambda place: place.id)
    room = max(limit - len(seen), 0)
    shown = seen | await service.owners.seen(others[:room], caller)
    nodes = [_node(one) for one in shown.values()]
    edges = [_edge(link) for link in links if link.source_id in shown and link.target_id in shown]
    fitting = (REPLY_BYTES - sum(len(to_json(node)) for node in nodes)) // EDGE_BYTES
    cut = len(own) > limit or len(others) > room or not all_links or len(edges) > fitting
    return ProjectGraph(nodes=nodes, edges=edges[:fitting], partial=cut, reason=Cut.LIMIT if cut else None)


async def list_orphans(request: ListOrphans, caller: Principal, service: Service) -> Orphans:
    types = sorted(domain.named(ArtifactType, request.types, "types"))
    kind = f"orphans:{request.project_id or caller.workspace_id}:{','.join(types)}"
    (before,) = (LAST_ID,) if request.cursor is None else cursors.decode(kind, request.cursor, cursors.ID)
    found: list[Artifact] = []
    last: UUID | None = before
    until = time.monotonic() + SECONDS
    while last is not None and len(found) < request.limit and time.monotonic() < until:
        places, last = await service.overview.orphans(caller.workspace_id, request.project_id, types, last)
        if len(places) > ASKED:
            places, last = places[:ASKED], places[ASKED - 1].id
        seen = await service.owners.seen(places, caller)
        shown, room = [seen[place.id] for place in places if place.id in seen], request.limit - len(found)
        found += shown[:room]
        if len(shown) > room:
            last = found[-1].id
    return Orphans(
        artifacts=nodes(found), has_more=last is not None, next_cursor=cursors.encode(kind, str(last)) if last is not None else None
    )


def _ends(link: ArtifactLink) -> tuple[Place, Place]:
    return Place(link.source_type, link.source_id), Place(link.target_type, link.target_id)


def _node(one: Artifact) -> GraphNode:
    label = one.title[:LABEL_LENGTH]
    return GraphNode(
        key=one.id,
        data=NodeData(id=one.id, label=label, type=one.type),
        attributes=NodeAttributes(label=label, type=one.type),
    )


def _edge(link: ArtifactLink) -> GraphEdge:
    return GraphEdge(
        key=link.id,
        source=link.source_id,
        target=link.target_id,
        data=EdgeData(id=link.id, source=link.source_id, target=link.target_id, type=link.type, derived=link.derived),
        attributes=EdgeAttributes(type=link.type, derived=link.derived),
    )
