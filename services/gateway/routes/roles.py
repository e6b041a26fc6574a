"""Roles and permissions over HTTP (spec 2, Permission System)."""

from services.gateway.replies import Created, NoContent, Ok
from services.gateway.routing import Call, route
from shared.contracts.identity.roles import (
    CHANGE_ROLE,
    CREATE_ROLE,
    DELETE_ROLE,
    GET_ROLE,
    LIST_PERMISSIONS,
    LIST_ROLES,
    ChangeRole,
    CreateRole,
    DeleteRole,
    GetRole,
    ListPermissions,
    ListRoles,
    PermissionList,
    RoleList,
    WorkspaceRole,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal

ROLES = "/api/roles"
ROLE = "/api/roles/{name}"


@route("GET", ROLES, LIST_ROLES, needs=Permission.ROLE_READ)
async def list_roles(request: ListRoles, caller: Principal, call: Call) -> Ok[RoleList]:
    """The built-in roles, and those that the workspace made."""
    return Ok(await call.answer(LIST_ROLES, request, caller))


@route("POST", ROLES, CREATE_ROLE, needs=Permission.ROLE_MANAGE)
async def create_role(request: CreateRole, caller: Principal, call: Call) -> Created[WorkspaceRole]:
    """Make a role."""
    return Created(await call.answer(CREATE_ROLE, request, caller), at="/api/roles/{name}")


@route("GET", ROLE, GET_ROLE, needs=Permission.ROLE_READ)
async def get_role(request: GetRole, caller: Principal, call: Call) -> Ok[WorkspaceRole]:
    """One role."""
    return Ok(await call.answer(GET_ROLE, request, caller))


@route("PATCH", ROLE, CHANGE_ROLE, needs=Permission.ROLE_MANAGE)
async def change_role(request: ChangeRole, caller: Principal, call: Call) -> Ok[WorkspaceRole]:
    """Change what a role grants, or its description; it holds from the next request on."""
    return Ok(await call.answer(CHANGE_ROLE, request, caller))


@route("DELETE", ROLE, DELETE_ROLE, needs=Permission.ROLE_MANAGE)
async def delete_role(request: DeleteRole, caller: Principal, call: Call) -> NoContent:
    """Delete a role that nobody has."""
    await call.answer(DELETE_ROLE, request, caller)
    return NoContent()


@route("GET", "/api/permissions", LIST_PERMISSIONS, needs=Permission.ROLE_READ)
async def list_permissions(request: ListPermissions, caller: Principal, call: Call) -> Ok[PermissionList]:
    """Every permission, and which built-in roles grant it."""
    return Ok(await call.answer(LIST_PERMISSIONS, request, caller))
