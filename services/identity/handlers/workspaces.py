"""Workspaces and their members.

A path names the workspace that the caller's token is for: what they are granted, they are granted there. Any other is as good as missing,
whether they are a member of it or not; `switch_workspace` leads there.
"""

from uuid import UUID

import structlog

from services.identity.handlers.pages import page_by_id
from services.identity.service import Service
from shared.contracts.identity.members import ChangeMember, GetMember, ListMembers, MemberPage, RemoveMember, WorkspaceMember
from shared.contracts.identity.sessions import SignedIn
from shared.contracts.identity.workspaces import (
    ChangeWorkspace,
    CreateWorkspace,
    GetWorkspace,
    ListWorkspaces,
    NotForServiceAccounts,
    SwitchWorkspace,
    Workspace,
    WorkspaceNotFound,
    WorkspacePage,
)
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal, Role
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed

log = structlog.get_logger()


def check_is_current(workspace_id: UUID, caller: Principal) -> None:
    """Raises `WorkspaceNotFound`."""
    if workspace_id != caller.workspace_id:
        raise WorkspaceNotFound


def check_is_a_person(caller: Principal) -> None:
    """Raises `NotForServiceAccounts`."""
    if caller.role is Role.SYSTEM:
        raise NotForServiceAccounts


async def create_workspace(request: CreateWorkspace, caller: Principal, service: Service) -> Workspace | Replayed[Workspace]:
    check_is_a_person(caller)
    try:
        workspace = await service.workspaces.create(caller, request)
    except MadeBefore as before:
        return Replayed(await service.workspaces.get(before.uuid, caller.user_id))
    log.info("workspace_created", workspaceId=str(workspace.id), by=str(caller.user_id))
    return workspace


async def list_workspaces(request: ListWorkspaces, caller: Principal, service: Service) -> WorkspacePage:
    async def read(after: UUID, count: int) -> list[Workspace]:
        return await service.workspaces.page(caller.user_id, after, count)

    kind = f"workspaces:{caller.user_id}"
    page, cursor = await page_by_id(kind, request.cursor, request.limit, read, lambda workspace: workspace.id)
    return WorkspacePage(workspaces=page, has_more=cursor is not None, next_cursor=cursor)


async def get_workspace(request: GetWorkspace, caller: Principal, service: Service) -> Workspace:
    check_is_current(request.workspace_id, caller)
    return await service.workspaces.get(caller.workspace_id, caller.user_id)


async def change_workspace(request: ChangeWorkspace, caller: Principal, service: Service) -> Workspace:
    check_is_current(request.workspace_id, caller)
    return await service.workspaces.rename(caller, request.name)


async def switch_workspace(request: SwitchWorkspace, caller: Principal, service: Service) -> SignedIn:
    check_is_a_person(caller)
    token = service.refresh_tokens.next_of(caller.session_id)
    user = await service.workspaces.switch(caller, request.workspace_id, token)
    log.info("workspace_switched", userId=str(user.id), workspaceId=str(user.workspace_id))
    return service.signed_in(user, token)


async def list_members(request: ListMembers, caller: Principal, service: Service) -> MemberPage:
    check_is_current(request.workspace_id, caller)

    async def read(after: UUID, count: int) -> list[WorkspaceMember]:
        return await service.members.page(caller.workspace_id, after, count)

    kind = f"members:{caller.workspace_id}"
    page, cursor = await page_by_id(kind, request.cursor, request.limit, read, lambda member: member.user_id)
    return MemberPage(members=page, has_more=cursor is not None, next_cursor=cursor)


async def get_member(request: GetMember, caller: Principal, service: Service) -> WorkspaceMember:
    check_is_current(request.workspace_id, caller)
    return await service.members.get(caller.workspace_id, request.user_id)


async def change_member(request: ChangeMember, caller: Principal, service: Service) -> WorkspaceMember:
    check_is_current(request.workspace_id, caller)
    member = await service.members.change(caller, request.user_id, request.role)
    log.info("role_set", userId=str(member.user_id), role=member.role_name, by=str(caller.user_id))
    return member


async def remove_member(request: RemoveMember, caller: Principal, service: Service) -> Nothing:
    check_is_current(request.workspace_id, caller)
    await service.members.remove(caller, request.user_id)
    log.info("member_removed", userId=str(request.user_id), by=str(caller.user_id))
    return Nothing()
