"""Links, and what hangs together by them, over HTTP (spec 4)."""

from services.gateway.replies import CreatedOrFound, NoContent, Ok, Picture
from services.gateway.routing import Call, route
from shared.contracts.graph.links import (
    GET_PROJECT_LINK,
    GET_THREAD_LINK,
    LINK_IN_PROJECT,
    LINK_IN_THREAD,
    LIST_PROJECT_LINKS,
    LIST_THREAD_LINKS,
    UNLINK_IN_PROJECT,
    UNLINK_IN_THREAD,
    ArtifactLink,
    ArtifactLinkPage,
    GetProjectLink,
    GetThreadLink,
    LinkInProject,
    LinkInThread,
    ListProjectLinks,
    ListThreadLinks,
    UnlinkInProject,
    UnlinkInThread,
)
from shared.contracts.graph.pictures import DRAW_PROJECT_GRAPH, DrawProjectGraph, ProjectPicture
from shared.contracts.graph.reads import (
    FIND_PATH,
    GET_IMPACT,
    GET_PROJECT_GRAPH,
    GET_RELATED,
    LIST_ORPHANS,
    FindPath,
    GetImpact,
    GetProjectGraph,
    GetRelated,
    ListOrphans,
    Orphans,
    ProjectGraph,
    Related,
    Way,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.messaging.frames import Answer

PROJECT_LINKS = "/api/projects/{projectId}/links"
THREAD_LINKS = "/api/collab/threads/{threadId}/links"


# Found without reading what is long: no text holds a quote that is not escaped.
_ENGINE = b'"engine":"'


class Walked[R: (Related, Way)](Ok[R]):
    """200, and which engine found it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.headers = (*self.headers, (b"x-atrium-graph", answer.body[answer.body.rindex(_ENGINE) + len(_ENGINE) :].partition(b'"')[0]))


@route("POST", PROJECT_LINKS, LINK_IN_PROJECT, needs=Permission.GRAPH_LINK)
async def link_in_project(request: LinkInProject, caller: Principal, call: Call) -> CreatedOrFound[ArtifactLink]:
    """Link two things in a project; what is linked already is answered with 200."""
    return CreatedOrFound(await call.answer(LINK_IN_PROJECT, request, caller), at=f"/api/projects/{request.project_id}/links/{{id}}")


@route("GET", PROJECT_LINKS, LIST_PROJECT_LINKS, needs=Permission.GRAPH_READ)
async def list_project_links(request: ListProjectLinks, caller: Principal, call: Call) -> Ok[ArtifactLinkPage]:
    """A project's links, newest first: those whose both ends the caller sees."""
    return Ok(await call.answer(LIST_PROJECT_LINKS, request, caller))


@route("GET", PROJECT_LINKS + "/{linkId}", GET_PROJECT_LINK, needs=Permission.GRAPH_READ)
async def get_project_link(request: GetProjectLink, caller: Principal, call: Call) -> Ok[ArtifactLink]:
    """One link of a project."""
    return Ok(await call.answer(GET_PROJECT_LINK, request, caller))


@route("DELETE", PROJECT_LINKS + "/{linkId}", UNLINK_IN_PROJECT, needs=Permission.GRAPH_UNLINK)
async def unlink_in_project(request: UnlinkInProject, caller: Principal, call: Call) -> NoContent:
    """Take a link of a project away."""
    await call.answer(UNLINK_IN_PROJECT, request, caller)
    return NoContent()


@route("POST", THREAD_LINKS, LINK_IN_THREAD, needs=Permission.GRAPH_LINK)
async def link_in_thread(request: LinkInThread, caller: Principal, call: Call) -> CreatedOrFound[ArtifactLink]:
    """Link two things in a thread; what is linked already is answered with 200."""
    return CreatedOrFound(await call.answer(LINK_IN_THREAD, request, caller), at=f"/api/collab/threads/{request.thread_id}/links/{{id}}")


@route("GET", THREAD_LINKS, LIST_THREAD_LINKS, needs=Permission.GRAPH_READ)
async def list_thread_links(request: ListThreadLinks, caller: Principal, call: Call) -> Ok[ArtifactLinkPage]:
    """A thread's links, newest first: those whose both ends the caller sees."""
    return Ok(await call.answer(LIST_THREAD_LINKS, request, caller))


@route("GET", THREAD_LINKS + "/{linkId}", GET_THREAD_LINK, needs=Permission.GRAPH_READ)
async def get_thread_link(request: GetThreadLink, caller: Principal, call: Call) -> Ok[ArtifactLink]:
    """One link of a thread."""
    return Ok(await call.answer(GET_THREAD_LINK, request, caller))


@route("DELETE", THREAD_LINKS + "/{linkId}", UNLINK_IN_THREAD, needs=Permission.GRAPH_UNLINK)
async def unlink_in_thread(request: UnlinkInThread, caller: Principal, call: Call) -> NoContent:
    """Take a link of a thread away."""
    await call.answer(UNLINK_IN_THREAD, request, caller)
    return NoContent()


@route("GET", "/api/graph/{type}/{id}/related", GET_RELATED, needs=Permission.GRAPH_READ)
async def get_related(request: GetRelated, caller: Principal, call: Call) -> Walked[Related]:
    """What is linked to a thing, over up to four links, nearest first. `X-Atrium-Graph` says who found it."""
    return Walked(await call.answer(GET_RELATED, request, caller))


@route("GET", "/api/graph/{type}/{id}/impact", GET_IMPACT, needs=Permission.GRAPH_READ)
async def get_impact(request: GetImpact, caller: Principal, call: Call) -> Walked[Related]:
    """All that a thing leads to along its links' direction, nearest first."""
    return Walked(await call.answer(GET_IMPACT, request, caller))


@route("GET", "/api/graph/path", FIND_PATH, needs=Permission.GRAPH_READ)
async def find_path(request: FindPath, caller: Principal, call: Call) -> Walked[Way]:
    """A shortest way from one thing to another, which the caller sees all of."""
    return Walked(await call.answer(FIND_PATH, request, caller))


@route("GET", "/api/graph/orphans", LIST_ORPHANS, needs=Permission.GRAPH_READ)
async def list_orphans(request: ListOrphans, caller: Principal, call: Call) -> Ok[Orphans]:
    """Things that nothing is linked to, newest first."""
    return Ok(await call.answer(LIST_ORPHANS, request, caller))


@route("GET", "/api/projects/{projectId}/graph", GET_PROJECT_GRAPH, needs=Permission.GRAPH_READ)
async def get_project_graph(request: GetProjectGraph, caller: Principal, call: Call) -> Ok[ProjectGraph]:
    """A project's things and links, ready for cytoscape or sigma."""
    return Ok(await call.answer(GET_PROJECT_GRAPH, request, caller))


@route("GET", "/api/projects/{projectId}/graph.svg", DRAW_PROJECT_GRAPH, needs=Permission.GRAPH_READ)
async def draw_project_graph(request: DrawProjectGraph, caller: Principal, call: Call) -> Picture[ProjectPicture]:
    """The same as a picture (SVG), for people."""
    return Picture(await call.answer(DRAW_PROJECT_GRAPH, request, caller))
