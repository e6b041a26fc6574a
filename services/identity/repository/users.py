"""Accounts, and their places in workspaces."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.identity import domain
from services.identity.tokens import RefreshToken
from shared.contracts.identity.users import AccountStatus, EmailIsTaken, User, UserNotFound, UserRegistered, UserRoleChanged
from shared.contracts.principal import Role
from shared.database.connections import Connection, Database, once_more
from shared.identifiers import new_id
from shared.outbox.outbox import emission, emit

# What decides about all of a workspace (its first admin, its last one) is decided one at a time.
_LOCK_WORKSPACE = "SELECT id FROM workspaces WHERE id = $1 FOR NO KEY UPDATE"

_USERS = """
    SELECT u.id, u.email, u.username, u.name, u.display_name, u.avatar_url, m.role, m.workspace_id, u.current_account_status,
        u.is_email_verified, u.current_status, u.last_seen_at
    FROM workspace_members m JOIN users u ON u.id = m.user_id
    WHERE m.deleted_at IS NULL AND u.deleted_at IS NULL"""

_USER = f"{_USERS} AND m.user_id = $1"

_PAGE = f"{_USERS} AND u.email > $1 ORDER BY u.email LIMIT $2"

_CREDENTIALS = """
    SELECT id, password_hash, current_account_status, home_of(id) AS home FROM users WHERE email = $1 AND deleted_at IS NULL"""

_TAKEN = "SELECT username FROM users WHERE username = ANY($1::text[])"

_ADD_USER = """
    INSERT INTO users (id, username, first_name, last_name, name, email, password_hash, is_email_verified, current_account_status)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (email) DO NOTHING RETURNING id"""

_ADD_MEMBER = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)"

_START_SESSION = """
    WITH seen AS (UPDATE users SET last_seen_at = now() WHERE id = $2)
    INSERT INTO user_sessions (id, user_id, workspace_id, token_hash, expires_at) VALUES ($1, $2, $3, $4, now() + $5::interval)"""

_OTHER_ADMINS = """
    SELECT count(*) FROM workspace_members m JOIN users u ON u.id = m.user_id
    WHERE m.role = 'admin' AND m.user_id <> $1 AND m.deleted_at IS NULL AND u.deleted_at IS NULL AND u.current_account_status = ANY($2)"""

_SET_ROLE = "UPDATE workspace_members SET role = $2, updated_at = now() WHERE user_id = $1"

_NEXT_VERSION = "UPDATE users SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"


@dataclass(frozen=True, slots=True)
class Account:
    """An account that is to be made."""

    email: str
    name: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against. `home` is the workspace that it leads to."""

    user_id: UUID
    password_hash: str
    status: AccountStatus
    home: UUID | None


class Users:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def get(self, workspace_id: UUID, user_id: UUID) -> User:
        async with self._database.workspace(workspace_id) as connection:
            return await user_of(connection, user_id)

    async def page(self, workspace_id: UUID, after: str, count: int) -> list[User]:
        """Users by email, from the first that is greater than `after`."""
        async with self._database.workspace(workspace_id) as connection:
            return [_user(row) for row in await connection.fetch(_PAGE, after, count)]

    async def credentials(self, email: str) -> Credentials | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_CREDENTIALS, domain.normal_email(email))
        if row is None:
            return None
        return Credentials(row["id"], row["password_hash"], AccountStatus(row["current_account_status"]), row["home"])

    async def register(self, workspace_id: UUID, account: Account, first_token: RefreshToken) -> User:
        """An account whose email nobody has verified, signed in."""

        async def attempt() -> User:
            async with self._database.workspace(workspace_id) as connection:
                await connection.execute(_LOCK_WORKSPACE, workspace_id)
                role = domain.first_role(workspace_is_empty=not await connection.fetchval("SELECT EXISTS (SELECT FROM workspace_members)"))
                user_id = await _add(connection, account, verified=False)
                await connection.execute(_ADD_MEMBER, workspace_id, user_id, role)
                await start_session(connection, user_id, workspace_id, first_token)
                return await _registered(connection, user_id)

        return await self._committed(attempt)

    async def create(self, workspace_id: UUID, account: Account, role: Role) -> User:
        """An account that an operator vouches for."""

        async def attempt() -> User:
            async with self._database.workspace(workspace_id) as connection:
                await connection.execute(_LOCK_WORKSPACE, workspace_id)
                user_id = await _add(connection, account, verified=True)
                await connection.execute(_ADD_MEMBER, workspace_id, user_id, role)
                return await _registered(connection, user_id)

        return await self._committed(attempt)

    async def set_role(self, workspace_id: UUID, user_id: UUID, role: Role) -> User:
        async def attempt() -> User:
            async with self._database.workspace(workspace_id) as connection:
                await connection.execute(_LOCK_WORKSPACE, workspace_id)
                user = await user_of(connection, user_id)
                if user.role is role:
                    return user
                others = await connection.fetchval(_OTHER_ADMINS, user_id, list(domain.SIGNING_IN))
                domain.check_an_admin_stays(user.role, role, other_admins=others)
                await connection.execute(_SET_ROLE, user_id, role)
                version = await connection.fetchval(_NEXT_VERSION, user_id)
                changed = user.model_copy(update={"role": role})
                event = UserRoleChanged(entity_id=user_id, version=version, user=changed)
                await emit(connection, emission(event, workspace_id, user_id))
                return changed

        return await self._committed(attempt)

    async def _committed(self, attempt: Callable[[], Awaitable[User]]) -> User:
        user = await once_more(attempt)
        self._on_commit()
        return user


async def user_of(connection: Connection, user_id: UUID) -> User:
    """A user as the connection's workspace sees them."""
    row = await connection.fetchrow(_USER, user_id)
    if row is None:
        raise UserNotFound
    return _user(row)


async def start_session(connection: Connection, user_id: UUID, workspace_id: UUID, first_token: RefreshToken) -> None:
    await connection.execute(_START_SESSION, first_token.session_id, user_id, workspace_id, first_token.hash, domain.SESSION_LIFE)


async def _add(connection: Connection, account: Account, *, verified: bool) -> UUID:
    user_id, email = new_id(), domain.normal_email(account.email)
    candidates = list(domain.usernames(email, secrets.token_hex(6)))
    taken = {row["username"] for row in await connection.fetch(_TAKEN, candidates)}
    username = next(name for name in candidates if name not in taken)
    status = AccountStatus.ACTIVE if verified else AccountStatus.PENDING_VERIFICATION
    first, last = domain.first_and_last(account.name)
    values = (user_id, username, first, last, account.name, email, account.password_hash, verified, status)
    if await connection.fetchval(_ADD_USER, *values) is None:
        raise EmailIsTaken
    return user_id


async def _registered(connection: Connection, user_id: UUID) -> User:
    user = await user_of(connection, user_id)
    await emit(connection, emission(UserRegistered(entity_id=user_id, version=1, user=user), user.workspace_id, user_id))
    return user


def _user(row: asyncpg.Record) -> User:
    return User(
        id=row["id"],
        email=row["email"],
        username=row["username"],
        name=row["name"],
        display_name=row["display_name"],
        avatar_url=row["avatar_url"],
        role=Role(row["role"]),
        workspace_id=row["workspace_id"],
        account_status=AccountStatus(row["current_account_status"]),
        is_email_verified=row["is_email_verified"],
        current_status=row["current_status"],
        last_seen_at=row["last_seen_at"],
    )
