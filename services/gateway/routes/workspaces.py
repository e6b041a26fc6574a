"""Workspaces, their members and invitations over HTTP. A path names the workspace that the token is for."""

from services.gateway.replies import Created, NoContent, Ok
from services.gateway.routing import Call, route
from shared.contracts.identity.invitations import (
    ACCEPT_INVITATION,
    CREATE_INVITATION,
    GET_INVITATION,
    LIST_INVITATIONS,
    REVOKE_INVITATION,
    AcceptInvitation,
    CreateInvitation,
    GetInvitation,
    Invitation,
    InvitationMade,
    InvitationPage,
    ListInvitations,
    RevokeInvitation,
)
from shared.contracts.identity.members import (
    CHANGE_MEMBER,
    GET_MEMBER,
    LIST_MEMBERS,
    REMOVE_MEMBER,
    ChangeMember,
    GetMember,
    ListMembers,
    MemberPage,
    RemoveMember,
    WorkspaceMember,
)
from shared.contracts.identity.sessions import SignedIn
from shared.contracts.identity.workspaces import (
    CHANGE_WORKSPACE,
    CREATE_WORKSPACE,
    GET_WORKSPACE,
    LIST_WORKSPACES,
    SWITCH_WORKSPACE,
    ChangeWorkspace,
    CreateWorkspace,
    GetWorkspace,
    ListWorkspaces,
    SwitchWorkspace,
    Workspace,
    WorkspacePage,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal

WORKSPACES = "/api/workspaces"
WORKSPACE = "/api/workspaces/{workspaceId}"
MEMBERS = f"{WORKSPACE}/members"
MEMBER = f"{MEMBERS}/{{userId}}"
INVITATIONS = f"{WORKSPACE}/invitations"
INVITATION = f"{INVITATIONS}/{{invitationId}}"


@route("POST", WORKSPACES, CREATE_WORKSPACE, needs=Permission.SPACE_CREATE)
async def create_workspace(request: CreateWorkspace, caller: Principal, call: Call) -> Created[Workspace]:
    """Make a workspace, as its first admin."""
    return Created(await call.answer(CREATE_WORKSPACE, request, caller), at="/api/workspaces/{id}")


@route("GET", WORKSPACES, LIST_WORKSPACES, needs=Permission.SPACE_READ)
async def list_workspaces(request: ListWorkspaces, caller: Principal, call: Call) -> Ok[WorkspacePage]:
    """The workspaces that the caller is a member of."""
    return Ok(await call.answer(LIST_WORKSPACES, request, caller))


@route("GET", WORKSPACE, GET_WORKSPACE, needs=Permission.SPACE_READ)
async def get_workspace(request: GetWorkspace, caller: Principal, call: Call) -> Ok[Workspace]:
    """The workspace that the token is for."""
    return Ok(await call.answer(GET_WORKSPACE, request, caller))


@route("PATCH", WORKSPACE, CHANGE_WORKSPACE, needs=Permission.SPACE_UPDATE)
async def change_workspace(request: ChangeWorkspace, caller: Principal, call: Call) -> Ok[Workspace]:
    """Give the workspace another name."""
    return Ok(await call.answer(CHANGE_WORKSPACE, request, caller))


@route("POST", "/api/auth/switch", SWITCH_WORKSPACE, needs=Permission.SELF_READ)
async def switch_workspace(request: SwitchWorkspace, caller: Principal, call: Call) -> Ok[SignedIn]:
    """Go on in another workspace that the caller is a member of: a new pair of tokens, for that one."""
    return Ok(await call.answer(SWITCH_WORKSPACE, request, caller))


@route("GET", MEMBERS, LIST_MEMBERS, needs=Permission.MEMBER_READ)
async def list_members(request: ListMembers, caller: Principal, call: Call) -> Ok[MemberPage]:
    """Who is a member of the workspace."""
    return Ok(await call.answer(LIST_MEMBERS, request, caller))


@route("GET", MEMBER, GET_MEMBER, needs=Permission.MEMBER_READ)
async def get_member(request: GetMember, caller: Principal, call: Call) -> Ok[WorkspaceMember]:
    """One member of the workspace."""
    return Ok(await call.answer(GET_MEMBER, request, caller))


@route("PATCH", MEMBER, CHANGE_MEMBER, needs=Permission.ROLE_ASSIGN)
async def change_member(request: ChangeMember, caller: Principal, call: Call) -> Ok[WorkspaceMember]:
    """Give a member another role, built in or made by the workspace."""
    return Ok(await call.answer(CHANGE_MEMBER, request, caller))


@route("DELETE", MEMBER, REMOVE_MEMBER, needs=Permission.SPACE_READ)
async def remove_member(request: RemoveMember, caller: Principal, call: Call) -> NoContent:
    """Leave the workspace; with `workspace:member:remove`, take somebody else out of it."""
    await call.answer(REMOVE_MEMBER, request, caller)
    return NoContent()


@route("POST", INVITATIONS, CREATE_INVITATION, needs=Permission.MEMBER_INVITE)
async def create_invitation(request: CreateInvitation, caller: Principal, call: Call) -> Created[InvitationMade]:
    """Invite somebody, by mail or by a token to hand on; it is for one use."""
    return Created(await call.answer(CREATE_INVITATION, request, caller), at=f"{WORKSPACES}/{request.workspace_id}/invitations/{{id}}")


@route("GET", INVITATIONS, LIST_INVITATIONS, needs=Permission.MEMBER_INVITE)
async def list_invitations(request: ListInvitations, caller: Principal, call: Call) -> Ok[InvitationPage]:
    """The invitations that wait."""
    return Ok(await call.answer(LIST_INVITATIONS, request, caller))


@route("GET", INVITATION, GET_INVITATION, needs=Permission.MEMBER_INVITE)
async def get_invitation(request: GetInvitation, caller: Principal, call: Call) -> Ok[Invitation]:
    """An invitation that waits."""
    return Ok(await call.answer(GET_INVITATION, request, caller))


@route("DELETE", INVITATION, REVOKE_INVITATION, needs=Permission.MEMBER_INVITE)
async def revoke_invitation(request: RevokeInvitation, caller: Principal, call: Call) -> NoContent:
    """Take an invitation back."""
    await call.answer(REVOKE_INVITATION, request, caller)
    return NoContent()


@route("POST", "/api/auth/invitations/accept", ACCEPT_INVITATION, needs=Permission.SELF_UPDATE)
async def accept_invitation(request: AcceptInvitation, caller: Principal, call: Call) -> Ok[Workspace]:
    """Join the workspace of an invitation; `auth/switch` leads there."""
    return Ok(await call.answer(ACCEPT_INVITATION, request, caller))
