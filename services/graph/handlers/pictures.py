"""A project's graph as a picture."""

from services.graph.drawing.subject import Link, Subject, Thing
from services.graph.handlers.overview import get_project_graph
from services.graph.service import Service
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.pictures import DrawProjectGraph, ProjectPicture
from shared.contracts.graph.reads import Cut, ProjectGraph
from shared.contracts.principal import Principal

MOST_LINKS = 3_000
"""That a picture shows: nobody can follow more."""

_ORDER = {kind: place for place, kind in enumerate(ArtifactType)}
_WHY = {
    Cut.LIMIT: "there are more things, or links, than are shown",
    Cut.NODES: "more was not looked at for one picture",
    Cut.DEADLINE: "there was no more time for it",
}


async def draw_project_graph(request: DrawProjectGraph, caller: Principal, service: Service) -> ProjectPicture:
    return ProjectPicture(svg=await service.artist.draw(subject_of(await get_project_graph(request, caller, service))))


def subject_of(graph: ProjectGraph) -> Subject:
    """In an order of its own."""
    nodes = sorted((node.data for node in graph.nodes), key=lambda node: (_ORDER[node.type], node.id))
    at = {node.id: place for place, node in enumerate(nodes)}
    edges = sorted((edge.data for edge in graph.edges[:MOST_LINKS]), key=lambda edge: edge.id)
    return Subject(
        [Thing(str(node.id), node.type, node.label) for node in nodes],
        [Link(str(edge.id), at[edge.source], at[edge.target], edge.type, edge.derived) for edge in edges],
        _notes(graph),
    )


def _notes(graph: ProjectGraph) -> list[str]:
    notes = [f"Not all of it: {_WHY[graph.reason]}."] if graph.reason else []
    if len(graph.edges) > MOST_LINKS:
        notes.append(f"Not all of it: {MOST_LINKS:,} of {len(graph.edges):,} links are shown.")
    return notes
