"""Roles: what they grant, and those that a workspace makes itself."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.identity.users import GrantExceedsYours
from shared.contracts.model import Event, Nothing, Request, Time, TrimmedText, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.permissions import Permission
from shared.contracts.principal import Role
from shared.contracts.refusals import Conflict, NotFound, PermissionIsMissing

MOST_ROLES = 100
"""That a workspace makes itself."""

ROLE_NAME = "^[a-z][A-Za-z0-9_-]{0,31}$"
RoleName = Annotated[str, Field(pattern=ROLE_NAME)]
Description = Annotated[TrimmedText, Field(max_length=255)]
BaseRole = Literal[Role.ADMIN, Role.AGENT, Role.PRODUCT_OWNER, Role.CLIENT, Role.GUEST]


class WorkspaceRole(View):
    """A role that members can have. `baseRole` is whom they are shown as; `permissions` are what they may do."""

    name: str
    built_in: bool
    description: str
    base_role: Role
    permissions: list[str]
    created_at: Time | None
    updated_at: Time | None


class RoleList(View):
    """The built-in roles, then the workspace's own by name. There are never so many that they need pages."""

    roles: list[WorkspaceRole]


class PermissionView(View):
    """A permission (`domain:function:action`), the prefix that it belongs under, and the built-in roles that grant it."""

    name: str
    permission_prefix: str
    roles: list[Role]


class PermissionDomain(View):
    """What the permissions under a prefix are about."""

    permission_prefix: str
    description: str


class PermissionList(View):
    permissions: list[PermissionView]
    domains: list[PermissionDomain]


class RoleNotFound(NotFound):
    """There is no such role here."""


class RoleNameIsTaken(Conflict):
    """There is a role with this name already."""


class RoleIsBuiltIn(Conflict):
    """A built-in role stays as it is; make one of your own."""


class RoleIsInUse(Conflict):
    """Members or open invitations have this role; give them another first."""


class TooManyRoles(Conflict):
    """The workspace has as many roles of its own as it can have."""


class ListRoles(Request):
    """The roles of the caller's workspace."""


class GetRole(Request):
    """One role of the caller's workspace."""

    name: str


class CreateRole(Request):
    """Make a role. It grants what is named, and everybody's own account; nobody can grant what they are not granted."""

    name: RoleName
    description: Description = ""
    base_role: BaseRole = Role.CLIENT
    permissions: Annotated[list[Permission], Field(max_length=200)]


class ChangeRole(Request):
    """Change the fields that are sent; whoever has the role may do what it says from their next request on."""

    name: str
    description: Description | None = None
    permissions: Annotated[list[Permission], Field(max_length=200)] | None = None


class DeleteRole(Request):
    """Delete a role that nobody has."""

    name: str


class ListPermissions(Request):
    """Every permission that there is."""


LIST_ROLES = Operation(ListRoles, RoleList, called_by=[GATEWAY], coalesced=False)
GET_ROLE = Operation(GetRole, WorkspaceRole, called_by=[GATEWAY], refuses=[RoleNotFound])
CREATE_ROLE = Operation(
    CreateRole,
    WorkspaceRole,
    called_by=[GATEWAY],
    refuses=[RoleNameIsTaken, TooManyRoles, PermissionIsMissing, GrantExceedsYours, RoleNotFound],
    keyed=True,
)
CHANGE_ROLE = Operation(
    ChangeRole, WorkspaceRole, called_by=[GATEWAY], refuses=[RoleNotFound, RoleIsBuiltIn, PermissionIsMissing, GrantExceedsYours]
)
DELETE_ROLE = Operation(
    DeleteRole, Nothing, called_by=[GATEWAY], refuses=[RoleNotFound, RoleIsBuiltIn, RoleIsInUse, PermissionIsMissing, GrantExceedsYours]
)
LIST_PERMISSIONS = Operation(ListPermissions, PermissionList, called_by=[GATEWAY], coalesced=False)


class RoleCreated(Event):
    """A workspace has a role of its own."""

    role: WorkspaceRole


class RoleChanged(Event):
    """A role grants something else, or is described in other words."""

    role: WorkspaceRole


class RoleDeleted(Event):
    """A role is gone; nobody had it."""

    name: str
    deleted_by: UUID
