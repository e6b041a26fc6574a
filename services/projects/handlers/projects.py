"""Projects: begun, found, listed, changed, deleted."""

import structlog

from services.projects.service import Service
from shared import cursors
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.projects.projects import (
    ChangeProject,
    CreateProject,
    DeleteProject,
    GetProject,
    ListProjects,
    Project,
    ProjectPage,
)
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed

log = structlog.get_logger()


async def create_project(request: CreateProject, caller: Principal, service: Service) -> Project | Replayed[Project]:
    try:
        project, membership_id = await service.projects.create(request, caller)
    except MadeBefore as before:
        return Replayed(await service.projects.get(before.uuid, caller))
    await service.threads.open(project, membership_id, caller)
    log.info("project_created", projectId=str(project.id), userId=str(caller.user_id))
    return project


async def get_project(request: GetProject, caller: Principal, service: Service) -> Project:
    return await service.projects.get(request.project_id, caller)


async def list_projects(request: ListProjects, caller: Principal, service: Service) -> ProjectPage:
    list_name = f"projects:{caller.user_id}:{request.archived}:{request.q or ''}"
    (before,) = cursors.decode(list_name, request.cursor, cursors.ID) if request.cursor is not None else (None,)
    found = await service.projects.page(request, before, caller)
    page, more = found[: request.limit], len(found) > request.limit
    return ProjectPage(projects=page, has_more=more, next_cursor=cursors.encode(list_name, page[-1].id) if more else None)


async def change_project(request: ChangeProject, caller: Principal, service: Service) -> Project:
    project = await service.projects.change(request, caller)
    log.info("project_changed", projectId=str(project.id), userId=str(caller.user_id))
    return project


async def delete_project(request: DeleteProject, caller: Principal, service: Service) -> Nothing:
    await service.projects.delete(request, caller)
    log.info("project_deleted", projectId=str(request.project_id), userId=str(caller.user_id))
    return Nothing()
