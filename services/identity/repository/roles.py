"""Roles: the built-in ones, which are in the code, and those that workspaces make."""

import re
from collections.abc import Callable, Sequence
from uuid import UUID

import asyncpg

from services.identity import domain
from services.identity.repository.audit import audit
from services.identity.repository.grants import Held, lock_as
from shared.contracts.identity.roles import (
    MOST_ROLES,
    ROLE_NAME,
    CreateRole,
    PermissionDomain,
    RoleChanged,
    RoleCreated,
    RoleDeleted,
    RoleIsInUse,
    RoleNameIsTaken,
    RoleNotFound,
    TooManyRoles,
    WorkspaceRole,
)
from shared.contracts.permissions import Permission, as_bits, bits_of, from_bits
from shared.contracts.principal import Principal, Role
from shared.contracts.roles import built_in_grants
from shared.database.connections import Connection, Database, committed
from shared.database.idempotency import claim
from shared.identifiers import new_id
from shared.outbox.outbox import emission, emit

_NAME = re.compile(ROLE_NAME)

_COLUMNS = "id, name, description, base_role, permissions, version, created_at, updated_at"

_ALL = f"SELECT {_COLUMNS} FROM roles WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY name"
_EVEN_DELETED = f"SELECT {_COLUMNS}, deleted_at FROM roles WHERE workspace_id = $1 AND name = $2"
_ONE = f"{_EVEN_DELETED} AND deleted_at IS NULL"
_COUNT = "SELECT count(*) FROM roles WHERE workspace_id = $1 AND deleted_at IS NULL"

# What had the name before is another role.
_ADD = f"""
    INSERT INTO roles (workspace_id, name, id, description, base_role, permissions) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (workspace_id, name) DO UPDATE SET id = excluded.id, description = excluded.description, base_role = excluded.base_role,
        permissions = excluded.permissions, version = 1, created_at = now(), updated_at = now(), deleted_at = NULL
    WHERE roles.deleted_at IS NOT NULL RETURNING {_COLUMNS}"""

_CHANGE = f"""
    UPDATE roles SET description = $3, permissions = $4, version = version + 1, updated_at = now()
    WHERE workspace_id = $1 AND name = $2 RETURNING {_COLUMNS}"""

_IS_USED = """
    SELECT EXISTS (SELECT FROM workspace_members WHERE workspace_id = $1 AND custom_role = $2)
        OR EXISTS (
            SELECT FROM invitations
            WHERE workspace_id = $1 AND role = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now())"""

_DELETE = """
    UPDATE roles SET deleted_at = now(), version = version + 1, updated_at = now()
    WHERE workspace_id = $1 AND name = $2 RETURNING version"""

_DOMAINS = "SELECT permission_prefix, description FROM access_permission_domains ORDER BY permission_prefix"


class Roles:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def all(self, workspace_id: UUID) -> list[WorkspaceRole]:
        """Those that the workspace made, by name."""
        async with self._database.reading(workspace_id) as connection:
            return [_view(row) for row in await connection.fetch(_ALL, workspace_id)]

    async def get(self, workspace_id: UUID, name: str) -> WorkspaceRole:
        async with self._database.reading(workspace_id) as connection:
            return _view(await _one(connection, workspace_id, name))

    async def domains(self) -> list[PermissionDomain]:
        async with self._database.connection() as connection:
            return [PermissionDomain(**row) for row in await connection.fetch(_DOMAINS)]

    async def create(self, by: Principal, request: CreateRole) -> WorkspaceRole:
        """Raises `TooManyRoles`, `RoleNameIsTaken`, `MadeBefore`, `KeyWasUsedForAnother`."""
        role_id, name = new_id(), request.name

        async def attempt() -> WorkspaceRole:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                await claim(connection, request, by, role_id)
                own = (await lock_as(connection, by, Permission.ROLE_MANAGE)).grants
                domain.check_within(Held(request.base_role, name, as_bits(request.permissions)).worth, own)
                if await connection.fetchval(_COUNT, by.workspace_id) >= MOST_ROLES:
                    raise TooManyRoles
                row = await connection.fetchrow(
                    _ADD, by.workspace_id, name, role_id, request.description, request.base_role, _names(request.permissions)
                )
                if row is None:
                    raise RoleNameIsTaken
                role = _view(row)
                event = RoleCreated(entity_id=row["id"], version=1, role=role)
                await emit(connection, emission(event, by.workspace_id, row["id"]))
                await _audit(connection, by, "identity:role:create", row["id"], name, role.permissions)
                return role

        return await committed(attempt, self._on_commit)

    async def change(self, by: Principal, name: str, description: str | None, permissions: Sequence[Permission] | None) -> WorkspaceRole:
        async def attempt() -> WorkspaceRole:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                own = (await lock_as(connection, by, Permission.ROLE_MANAGE)).grants
                before = await _one(connection, by.workspace_id, name)
                wanted = before["permissions"] if permissions is None else _names(permissions)
                domain.check_within(bits_of(before["permissions"]) ^ bits_of(wanted), own)
                text = before["description"] if description is None else description
                if (text, wanted) == (before["description"], before["permissions"]):
                    return _view(before)
                row = await connection.fetchrow(_CHANGE, by.workspace_id, name, text, wanted)
                assert row is not None, "the workspace is locked"
                role = _view(row)
                event = RoleChanged(entity_id=row["id"], version=row["version"], role=role)
                await emit(connection, emission(event, by.workspace_id, row["id"]))
                await _audit(connection, by, "identity:role:change", row["id"], name, role.permissions)
                return role

        return await committed(attempt, self._on_commit)

    async def delete(self, by: Principal, name: str) -> None:
        async def attempt() -> None:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                own = (await lock_as(connection, by, Permission.ROLE_MANAGE)).grants
                row = await _find(connection, by.workspace_id, name, _EVEN_DELETED)
                if row is None:
                    raise RoleNotFound
                domain.check_within(bits_of(row["permissions"]), own)
                if row["deleted_at"] is not None:
                    return
                if await connection.fetchval(_IS_USED, by.workspace_id, name):
                    raise RoleIsInUse
                version = await connection.fetchval(_DELETE, by.workspace_id, name)
                event = RoleDeleted(entity_id=row["id"], version=version, name=name, deleted_by=by.user_id)
                await emit(connection, emission(event, by.workspace_id, row["id"]))
                await _audit(connection, by, "identity:role:delete", row["id"], name, [])

        await committed(attempt, self._on_commit)


async def role_named(connection: Connection, workspace_id: UUID, name: str) -> Held | None:
    """A role that people can be given; None where there is none of that name."""
    if name in domain.ROLES_OF_PEOPLE:
        return Held(Role(name), name, built_in_grants(Role(name)))
    row = await _find(connection, workspace_id, name)
    return Held(Role(row["base_role"]), name, bits_of(row["permissions"])) if row else None


async def _find(connection: Connection, workspace_id: UUID, name: str, statement: str = _ONE) -> asyncpg.Record | None:
    """What is no name is nobody's; some of it the database would not even take."""
    return await connection.fetchrow(statement, workspace_id, name) if _NAME.fullmatch(name) else None


async def _one(connection: Connection, workspace_id: UUID, name: str) -> asyncpg.Record:
    row = await _find(connection, workspace_id, name)
    if row is None:
        raise RoleNotFound
    return row


async def _audit(connection: Connection, by: Principal, action: str, role_id: UUID, name: str, permissions: Sequence[str]) -> None:
    details = {"name": name, "permissions": list(permissions)}
    await audit(connection, by.workspace_id, by.user_id, action, "role", role_id, details=details)


def _names(permissions: Sequence[Permission]) -> list[str]:
    """In the order of their declaration, each once, with those that everybody has."""
    return [permission.value for permission in Permission if permission in {*permissions, *domain.EVERYBODYS}]


def _view(row: asyncpg.Record) -> WorkspaceRole:
    return WorkspaceRole(
        name=row["name"],
        built_in=False,
        description=row["description"],
        base_role=Role(row["base_role"]),
        permissions=[permission.value for permission in from_bits(bits_of(row["permissions"]))],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
