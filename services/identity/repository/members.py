"""Members of a workspace: their roles, and how they go."""

from collections.abc import Callable
from uuid import UUID

import asyncpg

from services.identity import domain
from services.identity.repository.audit import audit
from services.identity.repository.grants import Held, held_by, lock_as
from services.identity.repository.roles import role_named
from services.identity.repository.users import LOCK_WORKSPACE, OTHER_ADMINS, USER_COLUMNS, next_version, user_of
from shared.contracts.identity.members import MemberNotFound, MemberRemoved, RoleIsNotUsable, WorkspaceMember
from shared.contracts.identity.users import AccountStatus, User, UserNotFound, UserRoleChanged
from shared.contracts.permissions import Permission, as_bits
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing
from shared.database.connections import Connection, Database, committed
from shared.database.history import SYSTEM_ACTOR
from shared.outbox.outbox import emission, emit

_MEMBERS = f"""
    SELECT {USER_COLUMNS}, coalesce(m.custom_role, m.role) AS role_name, m.created_at AS joined_at
    FROM workspace_members m JOIN users u ON u.id = m.user_id
    WHERE m.workspace_id = $1 AND m.deleted_at IS NULL AND u.deleted_at IS NULL AND m.role <> 'system'"""
_PAGE = f"{_MEMBERS} AND m.user_id > $2 ORDER BY m.user_id LIMIT $3"
_MEMBER = f"{_MEMBERS} AND m.user_id = $2"

_SET_ROLE = """
    UPDATE workspace_members SET role = $3, custom_role = $4, updated_at = now() WHERE workspace_id = $1 AND user_id = $2"""

_REMOVE = """
    UPDATE workspace_members SET deleted_at = now(), custom_role = NULL, suspended_at = NULL, updated_at = now()
    WHERE workspace_id = $1 AND user_id = $2"""

_WAS_REMOVED = """
    SELECT EXISTS (
        SELECT FROM workspace_members WHERE workspace_id = $1 AND user_id = $2 AND deleted_at IS NOT NULL AND role <> 'system')"""

_ALL = as_bits(Permission)


class Members:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def page(self, workspace_id: UUID, after: UUID, count: int) -> list[WorkspaceMember]:
        """In the order in which their accounts were made."""
        async with self._database.reading(workspace_id) as connection:
            return [_view(row) for row in await connection.fetch(_PAGE, workspace_id, after, count)]

    async def get(self, workspace_id: UUID, user_id: UUID) -> WorkspaceMember:
        async with self._database.reading(workspace_id) as connection:
            row = await connection.fetchrow(_MEMBER, workspace_id, user_id)
        if row is None:
            raise MemberNotFound
        return _view(row)

    async def change(self, by: Principal, user_id: UUID, role: str) -> WorkspaceMember:
        async def attempt() -> WorkspaceMember:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                own = (await lock_as(connection, by, Permission.ROLE_ASSIGN)).grants
                await _change(connection, by.workspace_id, by.user_id, own, user_id, role)
                row = await connection.fetchrow(_MEMBER, by.workspace_id, user_id)
                assert row is not None, "the workspace is locked"
                return _view(row)

        return await committed(attempt, self._on_commit)

    async def set_role(self, by: Principal, user_id: UUID, role: Role) -> User:
        async def attempt() -> User:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                own = (await lock_as(connection, by, Permission.ROLE_ASSIGN)).grants
                return await _set_role(connection, by.workspace_id, by.user_id, own, user_id, role)

        return await committed(attempt, self._on_commit)

    async def assign_role(self, workspace_id: UUID, user_id: UUID, role: Role) -> User:
        """As the operator, who may do everything."""

        async def attempt() -> User:
            actor = UUID(SYSTEM_ACTOR)
            async with self._database.workspace(workspace_id, actor=actor) as connection:
                await connection.execute(LOCK_WORKSPACE, workspace_id)
                return await _set_role(connection, workspace_id, actor, _ALL, user_id, role)

        return await committed(attempt, self._on_commit)

    async def remove(self, by: Principal, user_id: UUID) -> None:
        """Whoever removes themself leaves."""
        leaves = user_id == by.user_id
        if not leaves and not by.may(Permission.MEMBER_REMOVE):
            raise PermissionIsMissing

        async def attempt() -> None:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                own = _ALL
                if leaves:
                    await connection.execute(LOCK_WORKSPACE, by.workspace_id)
                else:
                    own = (await lock_as(connection, by, Permission.MEMBER_REMOVE)).grants
                if await connection.fetchval(_WAS_REMOVED, by.workspace_id, user_id):
                    return
                held = await _person(connection, by.workspace_id, user_id)
                domain.check_within(held.grants, own)
                await _check_an_admin_stays(connection, user_id, held.name, None)
                await connection.execute(_REMOVE, by.workspace_id, user_id)
                version = await next_version(connection, user_id)
                event = MemberRemoved(entity_id=user_id, version=version, user_id=user_id, removed_by=by.user_id)
                await emit(connection, emission(event, by.workspace_id, user_id))
                action = "workspace:member:leave" if leaves else "workspace:member:remove"
                await audit(connection, by.workspace_id, by.user_id, action, "user", user_id, details={"role": held.name})

        await committed(attempt, self._on_commit)


async def _set_role(connection: Connection, workspace_id: UUID, actor: UUID, grants: int, user_id: UUID, role: Role) -> User:
    try:
        await _change(connection, workspace_id, actor, grants, user_id, role)
    except MemberNotFound:
        raise UserNotFound from None
    return await user_of(connection, user_id)


async def _change(connection: Connection, workspace_id: UUID, actor: UUID, grants: int, user_id: UUID, role: str) -> None:
    """Nobody gives a role that is worth more than they have, and nobody takes one from who has more. The workspace is locked."""
    before = await _person(connection, workspace_id, user_id)
    after = await role_named(connection, workspace_id, role)
    if after is None:
        raise RoleIsNotUsable
    domain.check_within(before.grants | after.worth, grants)
    if before.name == after.name:
        return
    await _check_an_admin_stays(connection, user_id, before.name, after.name)
    await connection.execute(_SET_ROLE, workspace_id, user_id, after.role, after.custom)
    version = await next_version(connection, user_id)
    event = UserRoleChanged(entity_id=user_id, version=version, user=await user_of(connection, user_id))
    await emit(connection, emission(event, workspace_id, user_id))
    details = {"before": before.name, "after": after.name}
    await audit(connection, workspace_id, actor, "identity:role:assign", "user", user_id, details=details)


async def _person(connection: Connection, workspace_id: UUID, user_id: UUID) -> Held:
    """What a member has who is no service account."""
    held = await held_by(connection, workspace_id, user_id)
    if held is None or held.role is Role.SYSTEM:
        raise MemberNotFound
    return held


async def _check_an_admin_stays(connection: Connection, user_id: UUID, before: str, after: str | None) -> None:
    others = await connection.fetchval(OTHER_ADMINS, user_id, list(domain.SIGNING_IN))
    domain.check_an_admin_stays(before, after, other_admins=others)


def _view(row: asyncpg.Record) -> WorkspaceMember:
    return WorkspaceMember(
        user_id=row["id"],
        username=row["username"],
        name=row["name"],
        display_name=row["display_name"],
        email=row["email"],
        role=Role(row["role"]),
        role_name=row["role_name"],
        account_status=AccountStatus(row["current_account_status"]),
        joined_at=row["joined_at"],
    )
