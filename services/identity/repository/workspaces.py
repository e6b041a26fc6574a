"""Workspaces, and whose sessions are in which."""

from collections.abc import Callable
from uuid import UUID

import asyncpg

from services.identity import domain
from services.identity.repository.audit import audit
from services.identity.repository.users import ADD_MEMBER, myself_of
from services.identity.tokens import RefreshToken
from shared.contracts.identity.sessions import TooManyWorkspaces
from shared.contracts.identity.users import Myself
from shared.contracts.identity.workspaces import (
    MOST_WORKSPACES,
    CreateWorkspace,
    Workspace,
    WorkspaceChanged,
    WorkspaceCreated,
    WorkspaceNotFound,
)
from shared.contracts.principal import Principal, Role
from shared.database.connections import Connection, Database, committed, once_more
from shared.database.idempotency import claim
from shared.identifiers import new_id
from shared.outbox.outbox import emission, emit

_OWN = "SELECT * FROM workspaces_of($1, $2, $3)"
_COUNT = "SELECT count(*) FROM workspaces_of($1, '00000000-0000-0000-0000-000000000000', $2)"

_WORKSPACE = """
    SELECT w.id, w.name, w.is_default, w.created_at, w.updated_at, m.role, coalesce(m.custom_role, m.role) AS role_name
    FROM workspaces w JOIN workspace_members m ON m.workspace_id = w.id
    WHERE w.id = $1 AND m.user_id = $2 AND w.deleted_at IS NULL AND m.deleted_at IS NULL"""

_ADD = "INSERT INTO workspaces (id, name, created_by) VALUES ($1, $2, $3)"

_RENAME = """
    UPDATE workspaces SET name = $2, version = version + 1, updated_at = now()
    WHERE id = $1 AND name <> $2 AND deleted_at IS NULL RETURNING version"""

# The token from before is its previous one for as long as a retry may come; `Session.refreshing` knows that it was not traded.
_SWITCH = """
    UPDATE user_sessions SET workspace_id = $3, token_hash = $4, previous_token_hash = token_hash,
        refresh_generation = refresh_generation + 1, rotated_at = clock_timestamp(), expires_at = clock_timestamp() + $5::interval
    WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > now() RETURNING id"""


class Workspaces:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def page(self, user_id: UUID, after: UUID, count: int) -> list[Workspace]:
        """Those that a user is a member of, oldest first."""
        async with self._database.connection() as connection:
            return [_view(row) for row in await connection.fetch(_OWN, user_id, after, count)]

    async def get(self, workspace_id: UUID, user_id: UUID) -> Workspace:
        async with self._database.reading(workspace_id) as connection:
            return await workspace_of(connection, workspace_id, user_id)

    async def create(self, by: Principal, request: CreateWorkspace) -> Workspace:
        """Raises `TooManyWorkspaces`, `MadeBefore`, `KeyWasUsedForAnother`."""
        name = request.name
        workspace_id = new_id()

        async def attempt() -> Workspace:
            async with self._database.workspace(workspace_id, actor=by.user_id) as connection:
                await claim(connection, request, by, workspace_id)
                await check_room(connection, by.user_id)
                await connection.execute(_ADD, workspace_id, name, by.user_id)
                await connection.execute(ADD_MEMBER, workspace_id, by.user_id, Role.ADMIN)
                event = WorkspaceCreated(entity_id=workspace_id, version=1, name=name, created_by=by.user_id)
                await emit(connection, emission(event, workspace_id, workspace_id))
                details = {"name": name}
                await audit(connection, workspace_id, by.user_id, "workspace:space:create", "workspace", workspace_id, details=details)
                return await workspace_of(connection, workspace_id, by.user_id)

        return await committed(attempt, self._on_commit)

    async def rename(self, by: Principal, name: str) -> Workspace:
        async def attempt() -> Workspace:
            workspace_id = by.workspace_id
            async with self._database.workspace(workspace_id, actor=by.user_id) as connection:
                version = await connection.fetchval(_RENAME, workspace_id, name)
                if version is not None:
                    event = WorkspaceChanged(entity_id=workspace_id, version=version, name=name, changed_by=by.user_id)
                    await emit(connection, emission(event, workspace_id, workspace_id))
                    details = {"name": name}
                    await audit(connection, workspace_id, by.user_id, "workspace:space:update", "workspace", workspace_id, details=details)
                return await workspace_of(connection, workspace_id, by.user_id)

        return await committed(attempt, self._on_commit)

    async def switch(self, by: Principal, workspace_id: UUID, token: RefreshToken) -> Myself:
        """The caller's session goes on in another workspace that they are a member of."""

        async def attempt() -> Myself:
            async with self._database.workspace(workspace_id) as connection:
                await workspace_of(connection, workspace_id, by.user_id)
                user = await myself_of(connection, by.user_id)
                values = (by.session_id, by.user_id, workspace_id, token.hash, domain.SESSION_LIFE)
                if user.account_status not in domain.SIGNING_IN or await connection.fetchval(_SWITCH, *values) is None:
                    raise WorkspaceNotFound  # suspended there, or signed out meanwhile
                return user

        return await once_more(attempt)


async def workspace_of(connection: Connection, workspace_id: UUID, user_id: UUID) -> Workspace:
    row = await connection.fetchrow(_WORKSPACE, workspace_id, user_id)
    if row is None:
        raise WorkspaceNotFound
    return _view(row)


async def check_room(connection: Connection, user_id: UUID) -> None:
    """Raises `TooManyWorkspaces`."""
    if await connection.fetchval(_COUNT, user_id, MOST_WORKSPACES) >= MOST_WORKSPACES:
        raise TooManyWorkspaces


def _view(row: asyncpg.Record) -> Workspace:
    return Workspace(**{**row, "role": Role(row["role"])})
