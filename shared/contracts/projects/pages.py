"""Pages of projects: what a website builder makes."""

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from shared.contracts.model import Event, Model, Nothing, Reason, Request, Text, Time, TrimmedText, View, storable_json, without_nul
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import Happened, ProjectIsArchived, ProjectNotFound, ProjectRoleIsNotEnough
from shared.contracts.projects.projects import Cursor, Limit
from shared.contracts.projects.versions import IfMatch, VersionIsStale
from shared.contracts.refusals import Conflict, CursorIsNotValid, NotFound, RequestIsInvalid

MOST_PAGES = 1_000
STRUCTURE_BYTES = 128 * 1024
STRUCTURE_DEPTH = 24
"""Components within each other."""

_ROUTE = re.compile(r"/(?:[^\s/?#\\]+(?:/[^\s/?#\\]+)*)?")


class Component(Model):
    """A part of a page, with the parts in it. props: what its type makes of it."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[TrimmedText, Field(min_length=1, max_length=64)]
    id: Annotated[TrimmedText, Field(min_length=1, max_length=64)] | None = None
    props: dict[str, Any] = {}
    children: list["Component"] = []


def _bounded(structure: Component) -> Component:
    level, depth = [structure], 0
    while level:
        depth += 1
        if depth > STRUCTURE_DEPTH:
            raise ValueError(f"has more than {STRUCTURE_DEPTH} components within each other")
        level = [inner for outer in level for inner in outer.children]
    storable_json(STRUCTURE_BYTES)(structure.model_dump(exclude_unset=True))
    return structure


def _route(value: str) -> str:
    if not _ROUTE.fullmatch(without_nul(value)) or {".", ".."} & set(value.split("/")):
        raise ValueError("is no route like / or /landing")
    return value


Structure = Annotated[Component, AfterValidator(_bounded)]
PageName = Annotated[TrimmedText, Field(min_length=1, max_length=255)]
PageRoute = Annotated[Text, AfterValidator(_route), Field(min_length=1, max_length=255)]


class SitePageEntry(View):
    """A page without its structure. linkedFileId: the file of code that was made from it."""

    id: UUID
    project_id: UUID
    name: str
    route: str
    linked_file_id: UUID | None
    created_by: UUID
    updated_by: UUID
    created_at: Time
    updated_at: Time
    version: int


class SitePage(SitePageEntry):
    """A page. structure: its tree of components, as it was sent (docs/page-structure.schema.json)."""

    structure: dict[str, Any]


class SitePageList(View):
    """By their routes."""

    pages: list[SitePageEntry]
    has_more: bool
    next_cursor: str | None


class PageNotFound(NotFound):
    """There is no such page in this project."""


class RouteIsTaken(Conflict):
    """Another page of the project has this route."""


class PagesAreTooMany(Conflict):
    """The project has as many pages as it may have."""


class ListSitePages(Request):
    project_id: UUID
    limit: Limit = 50
    cursor: Cursor | None = None


class GetSitePage(Request):
    project_id: UUID
    page_id: UUID


class CreateSitePage(Request):
    project_id: UUID
    name: PageName
    route: PageRoute
    structure: Structure
    linked_file_id: UUID | None = None


class ChangeSitePage(Request):
    """Change what is sent; of the version that `If-Match` names, where it does."""

    project_id: UUID
    page_id: UUID
    name: PageName = ""
    route: PageRoute = "/"
    structure: Structure = Component(type="page")
    linked_file_id: UUID | None = None
    if_match: IfMatch | None = None
    reason: Reason | None = None


class DeleteSitePage(Request):
    """Delete a page; the version that `If-Match` names, where it does."""

    project_id: UUID
    page_id: UUID
    if_match: IfMatch | None = None
    reason: Reason | None = None


_CHANGES = (ProjectNotFound, ProjectIsArchived, ProjectRoleIsNotEnough)
LIST_SITE_PAGES = Operation(ListSitePages, SitePageList, called_by=[GATEWAY], refuses=[ProjectNotFound, CursorIsNotValid], coalesced=False)
GET_SITE_PAGE = Operation(GetSitePage, SitePage, called_by=[GATEWAY], refuses=[ProjectNotFound, PageNotFound], coalesced=False)
CREATE_SITE_PAGE = Operation(
    CreateSitePage,
    SitePage,
    called_by=[GATEWAY],
    refuses=[*_CHANGES, RouteIsTaken, PagesAreTooMany, RequestIsInvalid],
    coalesced=False,
    keyed=True,
)
CHANGE_SITE_PAGE = Operation(
    ChangeSitePage,
    SitePage,
    called_by=[GATEWAY],
    refuses=[*_CHANGES, PageNotFound, RouteIsTaken, VersionIsStale, RequestIsInvalid],
    coalesced=False,
)
DELETE_SITE_PAGE = Operation(DeleteSitePage, Nothing, called_by=[GATEWAY], refuses=[*_CHANGES, PageNotFound, VersionIsStale])


class PageChanged(Event):
    """A page is there, is another than before, or is gone."""

    project_id: UUID
    change: Happened
    page: SitePageEntry
