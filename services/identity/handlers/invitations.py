"""Invitations into the caller's workspace, and joining by one."""

from datetime import timedelta
from uuid import UUID

import structlog

from services.identity.handlers.pages import page_by_id
from services.identity.handlers.workspaces import check_is_a_person, check_is_current
from services.identity.service import Service
from shared.contracts.identity.invitations import (
    AcceptInvitation,
    CreateInvitation,
    GetInvitation,
    Invitation,
    InvitationMade,
    InvitationPage,
    ListInvitations,
    RevokeInvitation,
)
from shared.contracts.identity.workspaces import Workspace
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal

log = structlog.get_logger()


async def create_invitation(request: CreateInvitation, caller: Principal, service: Service) -> InvitationMade:
    check_is_current(request.workspace_id, caller)
    life = timedelta(hours=request.expires_in_hours)
    made = await service.invitations.create(caller, request.email, request.role, life)
    log.info("invitation_created", invitationId=str(made.id), role=made.role, by=str(caller.user_id))
    return made


async def list_invitations(request: ListInvitations, caller: Principal, service: Service) -> InvitationPage:
    check_is_current(request.workspace_id, caller)

    async def read(after: UUID, count: int) -> list[Invitation]:
        return await service.invitations.page(caller.workspace_id, after, count)

    kind = f"invitations:{caller.workspace_id}"
    page, cursor = await page_by_id(kind, request.cursor, request.limit, read, lambda invitation: invitation.id)
    return InvitationPage(invitations=page, has_more=cursor is not None, next_cursor=cursor)


async def get_invitation(request: GetInvitation, caller: Principal, service: Service) -> Invitation:
    check_is_current(request.workspace_id, caller)
    return await service.invitations.get(caller.workspace_id, request.invitation_id)


async def revoke_invitation(request: RevokeInvitation, caller: Principal, service: Service) -> Nothing:
    check_is_current(request.workspace_id, caller)
    await service.invitations.revoke(caller, request.invitation_id)
    log.info("invitation_revoked", invitationId=str(request.invitation_id), by=str(caller.user_id))
    return Nothing()


async def accept_invitation(request: AcceptInvitation, caller: Principal, service: Service) -> Workspace:
    check_is_a_person(caller)
    workspace = await service.invitations.accept(caller.user_id, request.token.get_secret_value())
    log.info("invitation_accepted", userId=str(caller.user_id), workspaceId=str(workspace.id))
    return workspace
