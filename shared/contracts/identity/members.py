"""Members: who belongs to a workspace, in which role."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.identity.users import AccountStatus, GrantExceedsYours, User, WorkspaceNeedsAnAdmin
from shared.contracts.identity.workspaces import WorkspaceNotFound
from shared.contracts.model import Event, Nothing, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.principal import Role
from shared.contracts.refusals import CursorIsNotValid, Invalid, NotFound, PermissionIsMissing


class WorkspaceMember(View):
    """A user in a workspace. `role` is whom they are shown as; `roleName` what their grants are called."""

    user_id: UUID
    username: str
    name: str
    display_name: str | None
    email: str
    role: Role
    role_name: str
    account_status: AccountStatus
    joined_at: Time


class MemberPage(View):
    members: list[WorkspaceMember]
    has_more: bool
    next_cursor: str | None


class MemberNotFound(NotFound):
    """There is no such member here."""


class RoleIsNotUsable(Invalid):
    """There is no such role here, or it is not for people."""


class ListMembers(Request):
    """The members of the caller's workspace, those who came first at the top. Service accounts have a list of their own."""

    workspace_id: UUID
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class GetMember(Request):
    """One member of the caller's workspace."""

    workspace_id: UUID
    user_id: UUID


class ChangeMember(Request):
    """Give a member of the caller's workspace another role, built in or made there."""

    workspace_id: UUID
    user_id: UUID
    role: Annotated[str, Field(max_length=32)]


class RemoveMember(Request):
    """Take a member out of the caller's workspace; whoever names themself leaves."""

    workspace_id: UUID
    user_id: UUID


LIST_MEMBERS = Operation(ListMembers, MemberPage, called_by=[GATEWAY], refuses=[WorkspaceNotFound, CursorIsNotValid], coalesced=False)
GET_MEMBER = Operation(GetMember, WorkspaceMember, called_by=[GATEWAY], refuses=[WorkspaceNotFound, MemberNotFound])
CHANGE_MEMBER = Operation(
    ChangeMember,
    WorkspaceMember,
    called_by=[GATEWAY],
    refuses=[WorkspaceNotFound, MemberNotFound, RoleIsNotUsable, PermissionIsMissing, GrantExceedsYours, WorkspaceNeedsAnAdmin],
)
REMOVE_MEMBER = Operation(
    RemoveMember,
    Nothing,
    called_by=[GATEWAY],
    refuses=[WorkspaceNotFound, MemberNotFound, PermissionIsMissing, GrantExceedsYours, WorkspaceNeedsAnAdmin],
)


class MemberAdded(Event):
    """Somebody who had an account already is a member of the workspace."""

    user: User


class MemberRemoved(Event):
    """Somebody is no member of the workspace any more: removed, or gone by themself."""

    user_id: UUID
    removed_by: UUID
