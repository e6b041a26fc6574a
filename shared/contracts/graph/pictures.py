"""The graph of a project, for people to look at."""

from shared.contracts.graph.reads import GetProjectGraph
from shared.contracts.model import View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import ProjectNotFound


class ProjectPicture(View):
    """SVG that loads and runs nothing. The same graph is the same picture."""

    svg: str


class DrawProjectGraph(GetProjectGraph):
    """A project's graph as a picture: the same things and links for the same caller."""


DRAW_PROJECT_GRAPH = Operation(
    DrawProjectGraph, ProjectPicture, called_by=[GATEWAY], refuses=[ProjectNotFound], coalesced=False, timeout=9.5
)
