"""Workspaces, and going from one to another."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.identity.sessions import SignedIn, TooManyWorkspaces
from shared.contracts.identity.users import Name
from shared.contracts.model import Event, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.principal import Role
from shared.contracts.refusals import CursorIsNotValid, Forbidden, NotFound

MOST_WORKSPACES = 1_000
"""That one user is a member of."""


class Workspace(View):
    """A workspace as one of its members sees it; `role` and `roleName` are theirs."""

    id: UUID
    name: str
    is_default: bool
    role: Role
    role_name: str
    created_at: Time
    updated_at: Time


class WorkspacePage(View):
    workspaces: list[Workspace]
    has_more: bool
    next_cursor: str | None


class WorkspaceNotFound(NotFound):
    """There is no such workspace here. A path names the workspace that the token is for; switch to another one first."""


class NotForServiceAccounts(Forbidden):
    """This is for people; a service account stays in its workspace."""


class CreateWorkspace(Request):
    """Make a workspace, as its first admin."""

    name: Name


class ListWorkspaces(Request):
    """The workspaces that the caller is a member of, oldest first."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class GetWorkspace(Request):
    """The caller's workspace."""

    workspace_id: UUID


class ChangeWorkspace(Request):
    """Give the caller's workspace another name."""

    workspace_id: UUID
    name: Name


class SwitchWorkspace(Request):
    """Go on in another workspace: the session's tokens are for that one from now on."""

    workspace_id: UUID


CREATE_WORKSPACE = Operation(
    CreateWorkspace, Workspace, called_by=[GATEWAY], refuses=[TooManyWorkspaces, NotForServiceAccounts, WorkspaceNotFound], keyed=True
)
LIST_WORKSPACES = Operation(ListWorkspaces, WorkspacePage, called_by=[GATEWAY], refuses=[CursorIsNotValid], coalesced=False)
GET_WORKSPACE = Operation(GetWorkspace, Workspace, called_by=[GATEWAY], refuses=[WorkspaceNotFound])
CHANGE_WORKSPACE = Operation(ChangeWorkspace, Workspace, called_by=[GATEWAY], refuses=[WorkspaceNotFound])
SWITCH_WORKSPACE = Operation(SwitchWorkspace, SignedIn, called_by=[GATEWAY], refuses=[WorkspaceNotFound, NotForServiceAccounts])


class WorkspaceCreated(Event):
    """There is a workspace."""

    name: str
    created_by: UUID


class WorkspaceChanged(Event):
    """A workspace has another name."""

    name: str
    changed_by: UUID
