"""Accounts, and their places in workspaces."""

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from services.identity import domain
from services.identity.mail import Mailbox
from services.identity.repository.audit import OPERATOR, audit
from services.identity.repository.ending import end_oldest_sessions
from services.identity.tokens import RefreshToken
from shared.contracts.identity.sessions import Origin
from shared.contracts.identity.users import AccountStatus, AccountType, EmailIsTaken, Myself, User, UserNotFound, UserRegistered
from shared.contracts.permissions import bits_of, from_bits
from shared.contracts.principal import Role
from shared.contracts.roles import built_in_grants
from shared.database.connections import Connection, Database, committed
from shared.identifiers import new_id
from shared.outbox.outbox import emission, emit

# What decides about all of a workspace (its first admin, its last one) is decided one at a time.
LOCK_WORKSPACE = "SELECT id FROM workspaces WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE"

# Who is suspended in this workspace alone is suspended to all who see them here.
USER_COLUMNS = """u.id, u.email, u.username, u.name, u.display_name, u.avatar_url, m.role, m.workspace_id, u.is_email_verified,
    u.current_status, u.last_seen_at, CASE
        WHEN m.suspended_at IS NOT NULL AND u.current_account_status <> 'deactivated' THEN 'suspended' ELSE u.current_account_status
    END AS current_account_status"""

_USERS = f"""
    SELECT {USER_COLUMNS}
    FROM workspace_members m JOIN users u ON u.id = m.user_id
    WHERE m.deleted_at IS NULL AND u.deleted_at IS NULL"""

_USER = f"{_USERS} AND m.user_id = $1"

_MYSELF = f"""
    SELECT {USER_COLUMNS}, u.first_name, u.last_name, u.account_type_informal, u.chat_preferences,
        coalesce(m.custom_role, m.role) AS role_name, r.permissions
    FROM workspace_members m
    JOIN users u ON u.id = m.user_id
    LEFT JOIN roles r ON r.workspace_id = m.workspace_id AND r.name = m.custom_role
    WHERE m.user_id = $1 AND m.deleted_at IS NULL AND u.deleted_at IS NULL"""

_PAGE = f"{_USERS} AND u.email > $1 ORDER BY u.email LIMIT $2"

_CREDENTIALS = """
    SELECT id, password_hash, current_account_status, home_of(id) AS home,
        EXISTS (SELECT FROM user_sessions s WHERE s.user_id = users.id AND s.address = $2) AS known_there
    FROM users WHERE email = $1 AND deleted_at IS NULL"""

_TAKEN = "SELECT username FROM users WHERE username = ANY($1::text[])"
_EMAIL_IS_TAKEN = "SELECT EXISTS (SELECT FROM users WHERE email = $1)"

_ADD_USER = """
    INSERT INTO users (id, username, first_name, last_name, name, email, password_hash, is_email_verified, current_account_status,
        account_type_informal, search_names)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING id"""

ADD_MEMBER = "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES ($1, $2, $3)"

_START_SESSION = """
    WITH seen AS (UPDATE users SET last_seen_at = now() WHERE id = $2)
    INSERT INTO user_sessions (id, user_id, workspace_id, token_hash, expires_at, address, user_agent)
    VALUES ($1, $2, $3, $4, now() + $5::interval, $6, $7)"""

OTHER_ADMINS = """
    SELECT count(*) FROM workspace_members m JOIN users u ON u.id = m.user_id
    WHERE m.role = 'admin' AND m.custom_role IS NULL
        AND m.user_id <> $1 AND m.deleted_at IS NULL AND m.suspended_at IS NULL
        AND u.deleted_at IS NULL AND u.current_account_status = ANY($2)"""

_MEMBERSHIPS = "SELECT memberships_of($1)"

_NEXT_VERSION = "UPDATE users SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"


@dataclass(frozen=True, slots=True)
class Account:
    """An account that is to be made."""

    email: str
    name: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against. `home`: the workspace that it leads to. `known_there`: they signed in from that address before."""

    user_id: UUID
    password_hash: str
    status: AccountStatus
    home: UUID | None
    known_there: bool


class Users:
    def __init__(self, database: Database, mailbox: Mailbox, on_commit: Callable[[], None]) -> None:
        self._database, self._mailbox, self._on_commit = database, mailbox, on_commit

    async def myself(self, workspace_id: UUID, user_id: UUID) -> Myself:
        async with self._database.reading(workspace_id) as connection:
            return await myself_of(connection, user_id)

    async def page(self, workspace_id: UUID, after: str, count: int) -> list[User]:
        """Users by email, from the first that is greater than `after`."""
        async with self._database.workspace(workspace_id) as connection:
            return [user_of_row(row) for row in await connection.fetch(_PAGE, after, count)]

    async def credentials(self, email: str, address: str | None = None) -> Credentials | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_CREDENTIALS, email, address)
        if row is None:
            return None
        return Credentials(row["id"], row["password_hash"], AccountStatus(row["current_account_status"]), row["home"], row["known_there"])

    async def register(self, workspace_id: UUID, account: Account, first_token: RefreshToken, origin: Origin) -> Myself:
        """An account whose email nobody has verified, signed in. Its owner is asked to verify it."""

        async def attempt() -> Myself:
            async with self._database.workspace(workspace_id) as connection:
                await connection.execute(LOCK_WORKSPACE, workspace_id)
                role = domain.first_role(workspace_is_empty=not await connection.fetchval("SELECT EXISTS (SELECT FROM workspace_members)"))
                user_id = await add_user(connection, account, verified=False)
                await connection.execute(ADD_MEMBER, workspace_id, user_id, role)
                await start_session(connection, user_id, workspace_id, first_token, origin)
                await self._mailbox.ask_to_verify(connection, account.email)
                await registered(connection, user_id)
                return await myself_of(connection, user_id)

        return await committed(attempt, self._on_commit)

    async def create(self, workspace_id: UUID, account: Account, role: Role) -> User:
        """An account that an operator vouches for."""

        async def attempt() -> User:
            async with self._database.workspace(workspace_id) as connection:
                await connection.execute(LOCK_WORKSPACE, workspace_id)
                user_id = await add_user(connection, account, verified=True)
                await connection.execute(ADD_MEMBER, workspace_id, user_id, role)
                details = {"role": role.value}
                await audit(connection, workspace_id, OPERATOR, "identity:user:create", "user", user_id, details=details)
                return await registered(connection, user_id)

        return await committed(attempt, self._on_commit)


async def user_of(connection: Connection, user_id: UUID) -> User:
    """A user as the connection's workspace sees them."""
    row = await connection.fetchrow(_USER, user_id)
    if row is None:
        raise UserNotFound
    return user_of_row(row)


async def myself_of(connection: Connection, user_id: UUID) -> Myself:
    """A user's own account, in the connection's workspace."""
    row = await connection.fetchrow(_MYSELF, user_id)
    if row is None:
        raise UserNotFound
    grants = built_in_grants(Role(row["role"])) if row["permissions"] is None else bits_of(row["permissions"])
    return Myself(
        **user_of_row(row).model_dump(by_alias=False),
        first_name=row["first_name"],
        last_name=row["last_name"],
        account_type=AccountType(row["account_type_informal"]),
        preferences=from_json(row["chat_preferences"]),
        role_name=row["role_name"],
        permissions=[permission.value for permission in from_bits(grants)],
    )


async def enter(connection: Connection, workspace_id: UUID) -> None:
    """Let the rest of the transaction see one workspace."""
    await connection.execute("SELECT set_config('app.workspace', $1, true)", str(workspace_id))


async def seen_by_each_workspace(connection: Connection, user_id: UUID) -> AsyncIterator[tuple[UUID, User]]:
    """A user as each of their workspaces sees them; meanwhile the transaction is in that workspace."""
    for row in await connection.fetch(_MEMBERSHIPS, user_id):
        await enter(connection, row[0])
        yield row[0], await user_of(connection, user_id)


async def next_version(connection: Connection, user_id: UUID) -> int:
    """The version of a user's next event."""
    version: int = await connection.fetchval(_NEXT_VERSION, user_id)
    return version


async def start_session(connection: Connection, user_id: UUID, workspace_id: UUID, first_token: RefreshToken, origin: Origin) -> None:
    values = (first_token.session_id, user_id, workspace_id, first_token.hash, domain.SESSION_LIFE, origin.address, origin.user_agent)
    await connection.execute(_START_SESSION, *values)
    await end_oldest_sessions(connection, user_id)


async def add_user(connection: Connection, account: Account, *, verified: bool, user_id: UUID | None = None) -> UUID:
    """Raises `EmailIsTaken`."""
    user_id = user_id or new_id()
    status = AccountStatus.ACTIVE if verified else AccountStatus.PENDING_VERIFICATION
    kind = AccountType.MEMBER if verified else AccountType.GUEST
    await insert_user(connection, user_id, account, account.email, verified=verified, status=status, kind=kind)
    return user_id


async def insert_user(
    connection: Connection,
    user_id: UUID,
    account: Account,
    named_after: str,
    *,
    verified: bool,
    status: AccountStatus,
    kind: AccountType,
) -> None:
    """With the best username that is free, though others look for theirs meanwhile. Raises `EmailIsTaken`."""
    email = account.email
    first, last = domain.first_and_last(account.name)
    candidates = list(domain.usernames(named_after, secrets.token_hex(6)))
    taken = {row["username"] for row in await connection.fetch(_TAKEN, candidates)}
    for username in candidates:
        if username in taken:
            continue
        names = domain.search_names(username, account.name, None)
        values = (user_id, username, first, last, account.name, email, account.password_hash, verified, status, kind, names)
        if await connection.fetchval(_ADD_USER, *values) is not None:
            return
        if await connection.fetchval(_EMAIL_IS_TAKEN, email):
            raise EmailIsTaken
    raise RuntimeError("a username of six random bytes is taken")


async def registered(connection: Connection, user_id: UUID) -> User:
    """Say that a user is there, who is a member by now."""
    user = await user_of(connection, user_id)
    await emit(connection, emission(UserRegistered(entity_id=user_id, version=1, user=user), user.workspace_id, user_id))
    return user


def user_of_row(row: asyncpg.Record) -> User:
    """A user out of `USER_COLUMNS`."""
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
