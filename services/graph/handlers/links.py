"""Links that people make, list and take away."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from services.graph.domain import Place
from services.graph.repository.links import Scope
from services.graph.service import Service
from shared import cursors
from shared.contracts.artifacts import Artifact
from shared.contracts.graph.links import (
    ArtifactLink,
    ArtifactLinkNotFound,
    ArtifactLinkPage,
    CheckLinkEnds,
    Ends,
    GetProjectLink,
    GetThreadLink,
    LinkEndNotFound,
    LinkEndsSeen,
    LinkInProject,
    LinkInThread,
    LinkIsDerived,
    ListProjectLinks,
    ListThreadLinks,
    UnlinkInProject,
    UnlinkInThread,
)
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.refusals import FieldError
from shared.identifiers import LAST_ID
from shared.messaging.work import Reply

log = structlog.get_logger()


async def link_in_project(request: LinkInProject, caller: Principal, service: Service) -> Reply[ArtifactLink]:
    await service.owners.change_project(request.project_id, caller)
    return await _link(request, Scope(project_id=request.project_id), caller, service)


async def link_in_thread(request: LinkInThread, caller: Principal, service: Service) -> Reply[ArtifactLink]:
    await service.owners.change_thread(request.thread_id, caller)
    return await _link(request, Scope(thread_id=request.thread_id), caller, service)


async def list_project_links(request: ListProjectLinks, caller: Principal, service: Service) -> ArtifactLinkPage:
    await service.owners.see_project(request.project_id, caller)
    return await _page(Scope(project_id=request.project_id), request.cursor, request.limit, caller, service)


async def list_thread_links(request: ListThreadLinks, caller: Principal, service: Service) -> ArtifactLinkPage:
    await service.owners.see_thread(request.thread_id, caller)
    return await _page(Scope(thread_id=request.thread_id), request.cursor, request.limit, caller, service)


async def get_project_link(request: GetProjectLink, caller: Principal, service: Service) -> ArtifactLink:
    await service.owners.see_project(request.project_id, caller)
    return await _get(request.link_id, Scope(project_id=request.project_id), caller, service)


async def get_thread_link(request: GetThreadLink, caller: Principal, service: Service) -> ArtifactLink:
    await service.owners.see_thread(request.thread_id, caller)
    return await _get(request.link_id, Scope(thread_id=request.thread_id), caller, service)


async def unlink_in_project(request: UnlinkInProject, caller: Principal, service: Service) -> Nothing:
    await service.owners.change_project(request.project_id, caller)
    return await _unlink(request.link_id, Scope(project_id=request.project_id), caller, service)


async def unlink_in_thread(request: UnlinkInThread, caller: Principal, service: Service) -> Nothing:
    await service.owners.change_thread(request.thread_id, caller)
    return await _unlink(request.link_id, Scope(thread_id=request.thread_id), caller, service)


async def check_link_ends(request: CheckLinkEnds, caller: Principal, service: Service) -> LinkEndsSeen:
    places = (Place(request.source_type, request.source_id), Place(request.target_type, request.target_id))
    seen = await service.owners.seen(places, caller)
    return LinkEndsSeen(seen=all(place.id in seen for place in places))


async def _link(request: Ends, scope: Scope, caller: Principal, service: Service) -> Reply[ArtifactLink]:
    link = await service.links.make(request, scope, await _ends(request, caller, service), caller)
    if isinstance(link, ArtifactLink):
        log.info("link_made", linkId=link.id, projectId=link.project_id, threadId=link.thread_id, userId=caller.user_id)
    return link


async def _ends(request: Ends, caller: Principal, service: Service) -> Sequence[Artifact]:
    """Both, as their owners have them. Raises `LinkEndNotFound`."""
    places = {
        "sourceId": Place(request.source_type, request.source_id),
        "targetId": Place(request.target_type, request.target_id),
    }
    seen = await service.owners.seen(places.values(), caller)
    missing = [field for field, place in places.items() if place.id not in seen or seen[place.id].type is not place.type]
    if missing:
        detail = "It is not there, or not yours to see."
        raise LinkEndNotFound(errors=[FieldError(field=field, code="not_found", detail=detail) for field in missing])
    return list(seen.values())


async def _page(scope: Scope, cursor: str | None, limit: int, caller: Principal, service: Service) -> ArtifactLinkPage:
    kind = f"links:{scope.key}"
    (before,) = (LAST_ID,) if cursor is None else cursors.decode(kind, cursor, cursors.ID)
    found = await service.links.page(scope, before, limit + 1, caller)
    shown, more = found[:limit], len(found) > limit
    return ArtifactLinkPage(
        links=await _seen(shown, caller, service),
        has_more=more,
        next_cursor=cursors.encode(kind, str(shown[-1].id)) if more else None,
    )


async def _seen(links: Sequence[ArtifactLink], caller: Principal, service: Service) -> list[ArtifactLink]:
    """Those whose both ends the caller sees."""
    places = {place for link in links for place in _places(link)}
    seen = await service.owners.seen(places, caller)
    return [link for link in links if link.source_id in seen and link.target_id in seen]


def _places(link: ArtifactLink) -> tuple[Place, Place]:
    return Place(link.source_type, link.source_id), Place(link.target_type, link.target_id)


async def _get(link_id: UUID, scope: Scope, caller: Principal, service: Service) -> ArtifactLink:
    link = await service.links.find(link_id, scope, caller)
    if link is None or not await _seen([link], caller, service):
        raise ArtifactLinkNotFound
    return link


async def _unlink(link_id: UUID, scope: Scope, caller: Principal, service: Service) -> Nothing:
    link = await service.links.find(link_id, scope, caller)
    if link is not None:
        if not await _seen([link], caller, service):
            raise ArtifactLinkNotFound
        if link.derived:
            raise LinkIsDerived
        await service.links.delete(link_id, scope, caller)
        log.info("link_taken_away", linkId=link_id, userId=caller.user_id)
    return Nothing()
