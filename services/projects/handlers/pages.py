"""Pages: made, found, listed, changed, deleted."""

from services.projects.service import Service
from shared import cursors
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.projects.pages import (
    ChangeSitePage,
    CreateSitePage,
    DeleteSitePage,
    GetSitePage,
    ListSitePages,
    SitePage,
    SitePageList,
)
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed


async def list_site_pages(request: ListSitePages, caller: Principal, service: Service) -> SitePageList:
    list_name = f"pages:{request.project_id}"
    (after,) = cursors.decode(list_name, request.cursor, cursors.TEXT) if request.cursor is not None else (None,)
    found = await service.pages.page(request, after, caller)
    page, more = found[: request.limit], len(found) > request.limit
    return SitePageList(pages=page, has_more=more, next_cursor=cursors.encode(list_name, page[-1].route) if more else None)


async def get_site_page(request: GetSitePage, caller: Principal, service: Service) -> SitePage:
    return await service.pages.get(request.project_id, request.page_id, caller)


async def create_site_page(request: CreateSitePage, caller: Principal, service: Service) -> SitePage | Replayed[SitePage]:
    try:
        return await service.pages.create(request, caller)
    except MadeBefore as before:
        return Replayed(await service.pages.get(request.project_id, before.uuid, caller))


async def change_site_page(request: ChangeSitePage, caller: Principal, service: Service) -> SitePage:
    return await service.pages.change(request, caller)


async def delete_site_page(request: DeleteSitePage, caller: Principal, service: Service) -> Nothing:
    await service.pages.delete(request, caller)
    return Nothing()
