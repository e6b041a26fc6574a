"""Who is in a project: listed, taken in, changed, gone."""

from uuid import UUID

import structlog

from services.projects.service import Service
from shared import cursors
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.projects.access import ProjectRole
from shared.contracts.projects.members import (
    AddProjectMember,
    ChangeProjectMember,
    GetProjectMember,
    ListProjectMembers,
    ProjectMember,
    ProjectMemberPage,
    RemoveProjectMember,
)
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed

log = structlog.get_logger()


async def list_project_members(request: ListProjectMembers, caller: Principal, service: Service) -> ProjectMemberPage:
    list_name = f"project-members:{request.project_id}:{request.role}"
    after = cursors.decode(list_name, request.cursor, cursors.MOMENT_AND_ID) if request.cursor is not None else None
    found, places = await service.members.page(request, after, caller)
    more = len(found) > request.limit
    cursor = cursors.encode(list_name, *places[request.limit - 1]) if more else None
    return ProjectMemberPage(members=found[: request.limit], has_more=more, next_cursor=cursor)


async def get_project_member(request: GetProjectMember, caller: Principal, service: Service) -> ProjectMember:
    return await service.members.get(request.project_id, request.member_id, caller)


async def add_project_member(request: AddProjectMember, caller: Principal, service: Service) -> ProjectMember | Replayed[ProjectMember]:
    await service.members.standing(request.project_id, caller)
    person = await service.people.one(request.user_id, caller)
    try:
        member = await service.members.add(request, caller, person)
    except MadeBefore as before:
        member_id = UUID(before.thing_id.partition(" ")[0])
        return Replayed(await service.members.get(request.project_id, member_id, caller))
    log.info("project_member_added", projectId=str(request.project_id), memberId=str(member.id), userId=str(caller.user_id))
    return member


async def change_project_member(request: ChangeProjectMember, caller: Principal, service: Service) -> ProjectMember:
    """Where all above the caller have left the workspace, the caller may have or make a new owner."""
    gone: set[UUID] = set()
    if request.role is ProjectRole.OWNER:
        gone = await service.people.gone(await service.members.above(request.project_id, caller), caller)
    return await service.members.change(request, caller, gone)


async def remove_project_member(request: RemoveProjectMember, caller: Principal, service: Service) -> Nothing:
    await service.members.remove(request, caller)
    log.info("project_member_removed", projectId=str(request.project_id), memberId=str(request.member_id), userId=str(caller.user_id))
    return Nothing()
