"""Pages: made, found, listed, changed, deleted."""

from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json, to_json

from services.projects.domain.files import refuse_other_version
from services.projects.repository.access import standing
from services.projects.repository.changing import Changing, Inside
from services.projects.repository.rows import view
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened, ProjectRole
from shared.contracts.projects.pages import (
    MOST_PAGES,
    ChangeSitePage,
    Component,
    CreateSitePage,
    DeleteSitePage,
    ListSitePages,
    PageChanged,
    PageNotFound,
    PagesAreTooMany,
    RouteIsTaken,
    SitePage,
    SitePageEntry,
)
from shared.contracts.refusals import FieldError, RequestIsInvalid
from shared.database.idempotency import claim
from shared.identifiers import new_id

ENTRY = "id, project_id, name, route, linked_file_id, created_by, updated_by, created_at, updated_at, version"
_PAGE = f"{ENTRY}, structure"
_ONE = f"SELECT {_PAGE}, deleted_at FROM pages WHERE id = $1 AND project_id = $2"
_LIST = f"""
    SELECT {ENTRY} FROM pages WHERE project_id = $1 AND deleted_at IS NULL AND route > $2
    ORDER BY route LIMIT $3"""
_COUNT = "SELECT count(*) FROM pages WHERE project_id = $1 AND deleted_at IS NULL"
_TAKEN = "SELECT EXISTS (SELECT FROM pages WHERE project_id = $1 AND route = $2 AND deleted_at IS NULL AND id <> $3)"
_HAS_FILE = "SELECT EXISTS (SELECT FROM files WHERE id = $1 AND project_id = $2 AND deleted_at IS NULL)"
_UNLINK = f"""
    UPDATE pages SET linked_file_id = NULL, version = version + 1, updated_at = $2, updated_by = $3
    WHERE linked_file_id = $1 AND deleted_at IS NULL RETURNING {ENTRY}"""


class Pages(Changing):
    async def get(self, project_id: UUID, page_id: UUID, caller: Principal) -> SitePage:
        """Raises `ProjectNotFound`, `PageNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, project_id, caller)
            return _here(await connection.fetchrow(_ONE, page_id, project_id))

    async def page(self, request: ListSitePages, after: str | None, caller: Principal) -> list[SitePageEntry]:
        """From a route on, and one more where more follow. Raises `ProjectNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, request.project_id, caller)
            rows = await connection.fetch(_LIST, request.project_id, after or "", request.limit + 1)
        return [view(SitePageEntry, row) for row in rows]

    async def create(self, request: CreateSitePage, caller: Principal) -> SitePage:
        """Raises `RouteIsTaken`, `PagesAreTooMany`, `RequestIsInvalid`, `MadeBefore`, and what every change of a project does."""

        async def work(inside: Inside) -> SitePage:
            page_id = new_id()
            await claim(inside.connection, request, caller, page_id)
            inside.standing.require(ProjectRole.MEMBER)
            if await inside.connection.fetchval(_COUNT, request.project_id) >= MOST_PAGES:
                raise PagesAreTooMany
            fields = {"id": page_id, "name": request.name, "route": request.route, "structure": request.structure}
            fields |= {"linked_file_id": request.linked_file_id, "created_by": caller.user_id, "updated_by": caller.user_id}
            await _refuse_impossible(inside, page_id, fields)
            page = _page_of(await inside.insert("pages", _PAGE, _columns(fields)))
            await inside.tell(_told(page, Happened.CREATED))
            return page

        return await self.within(request.project_id, caller, work)

    async def change(self, request: ChangeSitePage, caller: Principal) -> SitePage:
        """Raises `PageNotFound`, `VersionIsStale`, `RouteIsTaken`, `RequestIsInvalid`, and what every change of a project does."""

        async def work(inside: Inside) -> SitePage:
            inside.standing.require(ProjectRole.MEMBER)
            found = _here(await inside.connection.fetchrow(_ONE, request.page_id, request.project_id))
            refuse_other_version(request.if_match, found.version, needed=False)
            sent = request.model_fields_set & {"name", "route", "structure", "linked_file_id"}
            wanted: dict[str, Any] = {name: getattr(request, name) for name in sorted(sent)}
            fields = {name: value for name, value in wanted.items() if _plain(value) != getattr(found, name)}
            if not fields:
                return found
            await _refuse_impossible(inside, found.id, fields)
            columns = _columns(fields) | {"updated_by": caller.user_id}
            page = _page_of(await inside.update("pages", _PAGE, found.id, columns))
            await inside.tell(_told(page, Happened.UPDATED))
            return page

        return await self.within(request.project_id, caller, work, reason=request.reason)

    async def delete(self, request: DeleteSitePage, caller: Principal) -> None:
        """Raises `PageNotFound`, `VersionIsStale`, and what every change of a project does."""

        async def work(inside: Inside) -> None:
            inside.standing.require(ProjectRole.MAINTAINER)
            row = await inside.connection.fetchrow(_ONE, request.page_id, request.project_id)
            if row is None:
                raise PageNotFound
            if row["deleted_at"] is not None:
                return
            refuse_other_version(request.if_match, row["version"], needed=False)
            await inside.tell(_told(view(SitePageEntry, await inside.delete("pages", ENTRY, request.page_id)), Happened.DELETED))

        await self.within(request.project_id, caller, work, reason=request.reason)


async def unlink_file(inside: Inside, file_id: UUID) -> None:
    """The file is gone: no page is linked with it any more."""
    rows = await inside.connection.fetch(_UNLINK, file_id, inside.now, inside.caller.user_id)
    await inside.tell(*(_told(view(SitePageEntry, row), Happened.UPDATED) for row in rows))


async def _refuse_impossible(inside: Inside, page_id: UUID, fields: dict[str, Any]) -> None:
    if "route" in fields and await inside.connection.fetchval(_TAKEN, inside.project_id, fields["route"], page_id):
        raise RouteIsTaken
    linked = fields.get("linked_file_id")
    if linked is not None and not await inside.connection.fetchval(_HAS_FILE, linked, inside.project_id):
        detail = "No file of this project has this id."
        raise RequestIsInvalid(errors=[FieldError(field="linkedFileId", code="not_found", detail=detail)])


def _plain(value: object) -> object:
    """A structure as it was sent, and as readers get it."""
    return value.model_dump(exclude_unset=True) if isinstance(value, Component) else value


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: to_json(_plain(value)).decode() if name == "structure" else value for name, value in fields.items()}


def _here(row: asyncpg.Record | None) -> SitePage:
    if row is None or row["deleted_at"] is not None:
        raise PageNotFound
    return _page_of(row)


def _page_of(row: asyncpg.Record) -> SitePage:
    return SitePage(**view(SitePageEntry, row).model_dump(), structure=from_json(row["structure"]))


def _told(page: SitePageEntry, change: Happened) -> PageChanged:
    entry = SitePageEntry.model_construct(**{name: getattr(page, name) for name in SitePageEntry.model_fields})
    return PageChanged(entity_id=page.id, version=page.version, project_id=page.project_id, change=change, page=entry)
