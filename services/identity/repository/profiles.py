"""Profiles, and how members of a workspace are found."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import to_json

from services.identity import domain
from services.identity.repository.users import USER_COLUMNS, myself_of, seen_by_each_workspace, user_of, user_of_row
from shared.contracts.identity.directory import Member
from shared.contracts.identity.profiles import UserChanged, UsernameIsTaken
from shared.contracts.identity.statuses import UserStatus
from shared.contracts.identity.users import Myself, User, UserNotFound
from shared.contracts.permissions import bits_of
from shared.contracts.principal import Role
from shared.contracts.roles import built_in_grants
from shared.database.connections import Database, once_more
from shared.outbox.outbox import emission, emit

# The index gives the names in order; of somebody whom several names find, the first one counts.
_SEARCH = f"""
    SELECT {USER_COLUMNS}, n.name AS found_by
    FROM member_names n
    JOIN workspace_members m ON m.workspace_id = n.workspace_id AND m.user_id = n.user_id
    JOIN users u ON u.id = n.user_id
    WHERE n.workspace_id = $1 AND n.name >= $2 AND n.name < $3 AND (n.name, n.user_id) > ($4, $5)
        AND NOT EXISTS (
            SELECT FROM member_names s
            WHERE s.workspace_id = n.workspace_id AND s.user_id = n.user_id AND s.name >= $2 AND s.name < n.name)
        AND m.deleted_at IS NULL AND m.suspended_at IS NULL AND u.deleted_at IS NULL AND u.current_account_status = ANY($6::text[])
    ORDER BY n.name, n.user_id LIMIT $7"""

# Those who serve clients are few: an index has them alone.
_SEARCH_STAFF = f"""
    SELECT {USER_COLUMNS}, n.name AS found_by
    FROM (
        SELECT user_id FROM workspace_members
        WHERE workspace_id = $1 AND role <> 'client' AND role <> 'guest' AND deleted_at IS NULL
        UNION SELECT $8::uuid
    ) AS seen
    JOIN workspace_members m ON m.workspace_id = $1 AND m.user_id = seen.user_id
    JOIN users u ON u.id = m.user_id
    CROSS JOIN LATERAL (
        SELECT name FROM member_names
        WHERE workspace_id = $1 AND user_id = m.user_id AND name >= $2 AND name < $3 ORDER BY name LIMIT 1
    ) AS n
    WHERE (n.name, m.user_id) > ($4, $5)
        AND m.deleted_at IS NULL AND m.suspended_at IS NULL AND u.deleted_at IS NULL AND u.current_account_status = ANY($6::text[])
    ORDER BY n.name, m.user_id LIMIT $7"""

_MEMBERS = """
    SELECT u.id, u.username, u.name, m.role, r.permissions, CASE WHEN u.is_email_verified THEN u.email END AS contact
    FROM (
        SELECT id FROM users WHERE username = ANY($2::text[])
        UNION SELECT unnest($3::uuid[])
        UNION SELECT id FROM users WHERE email = ANY($5::text[]) AND is_email_verified
    ) AS asked
    JOIN users u ON u.id = asked.id
    JOIN workspace_members m ON m.workspace_id = $1 AND m.user_id = u.id
    LEFT JOIN roles r ON r.workspace_id = m.workspace_id AND r.name = m.custom_role
    WHERE m.deleted_at IS NULL AND m.suspended_at IS NULL AND u.deleted_at IS NULL AND u.current_account_status = ANY($4::text[])
    ORDER BY u.username"""

# Clients and guests find those who serve them, and themselves.
_STATUSES = """
    SELECT m.user_id, u.current_status, u.last_seen_at
    FROM workspace_members m JOIN users u ON u.id = m.user_id
    WHERE m.workspace_id = $1 AND m.user_id = ANY($2::uuid[]) AND m.deleted_at IS NULL AND u.deleted_at IS NULL
        AND (m.user_id = $3 OR m.role <> ALL($4::text[]))"""

_PROFILE = """
    SELECT username, name, display_name, avatar_url, current_status, chat_preferences
    FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE"""

_CHANGE = """
    UPDATE users SET username = $2, name = $3, first_name = $4, last_name = $5, display_name = $6, avatar_url = $7, current_status = $8,
        chat_preferences = $9::text::jsonb, search_names = $10, version = version + 1, updated_at = now()
    WHERE id = $1 RETURNING version"""

_SIGNING_IN = [status.value for status in domain.SIGNING_IN]


@dataclass(frozen=True, slots=True)
class Found:
    """A user, and the name by which they were found: their place in the list."""

    user: User
    by: str


class Profiles:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def get(self, workspace_id: UUID, user_id: UUID) -> User:
        async with self._database.reading(workspace_id) as connection:
            return await user_of(connection, user_id)

    async def search(self, workspace_id: UUID, begin: str, after: tuple[str, UUID], count: int) -> list[Found]:
        """Who may sign in and has a name that begins so, by that name."""
        values = (workspace_id, begin, begin + domain.LAST_CHARACTER, *after, _SIGNING_IN, count)
        async with self._database.reading(workspace_id) as connection:
            return [Found(user_of_row(row), row["found_by"]) for row in await connection.fetch(_SEARCH, *values)]

    async def search_staff(self, workspace_id: UUID, user_id: UUID, begin: str, after: tuple[str, UUID], count: int) -> list[Found]:
        """As `search`, of those who serve clients, and of whoever asks."""
        values = (workspace_id, begin, begin + domain.LAST_CHARACTER, *after, _SIGNING_IN, count, user_id)
        async with self._database.reading(workspace_id) as connection:
            return [Found(user_of_row(row), row["found_by"]) for row in await connection.fetch(_SEARCH_STAFF, *values)]

    async def members(
        self, workspace_id: UUID, usernames: Sequence[str], user_ids: Sequence[UUID], contacts: Sequence[str]
    ) -> list[Member]:
        """Who may sign in, in one statement."""
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(_MEMBERS, workspace_id, usernames, user_ids, _SIGNING_IN, contacts)
        return [_member(row) for row in rows]

    async def statuses(self, workspace_id: UUID, user_ids: Sequence[UUID], caller_id: UUID, hidden: Iterable[Role]) -> list[UserStatus]:
        """Of those with other roles than the hidden ones, and of the caller."""
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(_STATUSES, workspace_id, user_ids, caller_id, [role.value for role in hidden])
        return [UserStatus(**row) for row in rows]

    async def change(self, workspace_id: UUID, user_id: UUID, changes: Mapping[str, object]) -> Myself:
        """Change the fields that are named, and tell every workspace of the user."""

        async def attempt() -> Myself:
            async with self._database.installation(actor=user_id) as connection:
                before = await connection.fetchrow(_PROFILE, user_id)
                if before is None:
                    raise UserNotFound
                if any(before[column] != value for column, value in _values(changes).items()):
                    version = await connection.fetchval(_CHANGE, user_id, *_row({**before, **_values(changes)}))
                    async for seen_in, user in seen_by_each_workspace(connection, user_id):
                        event = UserChanged(entity_id=user_id, version=version, user=user.model_copy(update={"email": None}))
                        await emit(connection, emission(event, seen_in, user_id))
            async with self._database.reading(workspace_id) as connection:
                return await myself_of(connection, user_id)

        try:
            user = await once_more(attempt)
        except asyncpg.UniqueViolationError:
            raise UsernameIsTaken from None
        self._on_commit()
        return user


def _member(row: asyncpg.Record) -> Member:
    role, permissions = Role(row["role"]), row["permissions"]
    grants = built_in_grants(role) if permissions is None else bits_of(permissions)
    return Member(id=row["id"], username=row["username"], name=row["name"], role=role, grants=grants, contact=row["contact"])


def _values(changes: Mapping[str, object]) -> dict[str, Any]:
    """By column."""
    return {
        "chat_preferences" if name == "preferences" else name: to_json(value).decode() if name == "preferences" else value
        for name, value in changes.items()
    }


def _row(profile: Mapping[str, Any]) -> tuple[object, ...]:
    first, last = domain.first_and_last(profile["name"])
    return (
        profile["username"],
        profile["name"],
        first,
        last,
        profile["display_name"],
        profile["avatar_url"],
        profile["current_status"],
        profile["chat_preferences"],
        domain.search_names(profile["username"], profile["name"], profile["display_name"]),
    )
