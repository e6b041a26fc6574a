"""Pages of projects over HTTP."""

from services.gateway.replies import CreatedTagged, NoContent, Ok, PolledByVersion, Tagged
from services.gateway.routing import Call, route
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.projects.pages import (
    CHANGE_SITE_PAGE,
    CREATE_SITE_PAGE,
    DELETE_SITE_PAGE,
    GET_SITE_PAGE,
    LIST_SITE_PAGES,
    ChangeSitePage,
    CreateSitePage,
    DeleteSitePage,
    GetSitePage,
    ListSitePages,
    SitePage,
    SitePageList,
)

PAGES = "/api/projects/{projectId}/pages"
PAGE = PAGES + "/{pageId}"


@route("GET", PAGES, LIST_SITE_PAGES, needs=Permission.PROJECT_READ)
async def list_site_pages(request: ListSitePages, caller: Principal, call: Call) -> Ok[SitePageList]:
    """The pages of a project by their routes, without their structures."""
    return Ok(await call.answer(LIST_SITE_PAGES, request, caller))


@route("POST", PAGES, CREATE_SITE_PAGE, needs=Permission.PROJECT_PAGES)
async def create_site_page(request: CreateSitePage, caller: Principal, call: Call) -> CreatedTagged[SitePage]:
    """Make a page."""
    return CreatedTagged(await call.answer(CREATE_SITE_PAGE, request, caller), at=f"/api/projects/{request.project_id}/pages/{{id}}")


@route("GET", PAGE, GET_SITE_PAGE, needs=Permission.PROJECT_READ)
async def get_site_page(request: GetSitePage, caller: Principal, call: Call) -> PolledByVersion[SitePage]:
    """A page with its structure."""
    return PolledByVersion(await call.answer(GET_SITE_PAGE, request, caller))


@route("PATCH", PAGE, CHANGE_SITE_PAGE, needs=Permission.PROJECT_PAGES)
async def change_site_page(request: ChangeSitePage, caller: Principal, call: Call) -> Tagged[SitePage]:
    """Change the fields of a page that are sent; of the version that `If-Match` names, where it does."""
    return Tagged(await call.answer(CHANGE_SITE_PAGE, request, caller))


@route("DELETE", PAGE, DELETE_SITE_PAGE, needs=Permission.PROJECT_PAGES)
async def delete_site_page(request: DeleteSitePage, caller: Principal, call: Call) -> NoContent:
    """Delete a page; the version that `If-Match` names, where it does."""
    await call.answer(DELETE_SITE_PAGE, request, caller)
    return NoContent()
