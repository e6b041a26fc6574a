"""Roles and what they grant."""

import structlog

from services.identity.service import Service
from shared.contracts.identity.roles import (
    ChangeRole,
    CreateRole,
    DeleteRole,
    GetRole,
    ListPermissions,
    ListRoles,
    PermissionList,
    PermissionView,
    RoleIsBuiltIn,
    RoleList,
    RoleNameIsTaken,
    WorkspaceRole,
)
from shared.contracts.model import Nothing
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.contracts.roles import BUILT_IN, DESCRIPTIONS
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed

log = structlog.get_logger()

_BUILT_IN = {
    role.value: WorkspaceRole(
        name=role,
        built_in=True,
        description=DESCRIPTIONS[role],
        base_role=role,
        permissions=[permission.value for permission in Permission if permission in BUILT_IN[role]],
        created_at=None,
        updated_at=None,
    )
    for role in Role
}
_RESERVED = {name.casefold() for name in _BUILT_IN}


async def list_roles(request: ListRoles, caller: Principal, service: Service) -> RoleList:
    return RoleList(roles=[*_BUILT_IN.values(), *await service.roles.all(caller.workspace_id)])


async def get_role(request: GetRole, caller: Principal, service: Service) -> WorkspaceRole:
    return _BUILT_IN.get(request.name) or await service.roles.get(caller.workspace_id, request.name)


async def create_role(request: CreateRole, caller: Principal, service: Service) -> WorkspaceRole | Replayed[WorkspaceRole]:
    if request.name.casefold() in _RESERVED:
        raise RoleNameIsTaken
    try:
        role = await service.roles.create(caller, request)
    except MadeBefore:
        return Replayed(await service.roles.get(caller.workspace_id, request.name))
    log.info("role_created", role=role.name, by=str(caller.user_id))
    return role


async def change_role(request: ChangeRole, caller: Principal, service: Service) -> WorkspaceRole:
    if request.name in _BUILT_IN:
        raise RoleIsBuiltIn
    role = await service.roles.change(caller, request.name, request.description, request.permissions)
    log.info("role_changed", role=role.name, by=str(caller.user_id))
    return role


async def delete_role(request: DeleteRole, caller: Principal, service: Service) -> Nothing:
    if request.name in _BUILT_IN:
        raise RoleIsBuiltIn
    await service.roles.delete(caller, request.name)
    log.info("role_deleted", role=request.name, by=str(caller.user_id))
    return Nothing()


async def list_permissions(request: ListPermissions, caller: Principal, service: Service) -> PermissionList:
    domains = await service.roles.domains()
    prefixes = [one.permission_prefix for one in domains]
    views = [
        PermissionView(
            name=permission,
            permission_prefix=next(prefix for prefix in prefixes if permission.startswith(f"{prefix}:")),
            roles=[role for role in Role if permission in BUILT_IN[role]],
        )
        for permission in Permission
    ]
    return PermissionList(permissions=views, domains=domains)
