"""What somebody is granted at this moment: decisions use that, and not what they had when their request was let in."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.identity import domain
from services.identity.repository.users import LOCK_WORKSPACE
from shared.contracts.permissions import Permission, bits_of
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing
from shared.contracts.roles import built_in_grants
from shared.database.connections import Connection

_HELD = """
    SELECT m.role, coalesce(m.custom_role, m.role) AS name, r.permissions
    FROM workspace_members m
    JOIN users u ON u.id = m.user_id
    LEFT JOIN roles r ON r.workspace_id = m.workspace_id AND r.name = m.custom_role
    WHERE m.workspace_id = $1 AND m.user_id = $2 AND m.deleted_at IS NULL AND u.deleted_at IS NULL"""

_PRESENT = """
    SELECT m.role, r.permissions
    FROM workspace_members m
    JOIN users u ON u.id = m.user_id
    LEFT JOIN roles r ON r.workspace_id = m.workspace_id AND r.name = m.custom_role
    WHERE m.workspace_id = $1 AND m.user_id = $2 AND m.deleted_at IS NULL AND m.suspended_at IS NULL
        AND u.deleted_at IS NULL AND u.current_account_status = ANY($3::text[])"""

# Of a program, the token that it asks with, or all that it has.
_TOKENS = """
    SELECT t.scopes, t.granted_by, t.expires_at FROM service_tokens t
    WHERE t.workspace_id = $1 AND t.account_id = $2 AND t.revoked_at IS NULL AND ($3::uuid IS NULL OR t.id = $3)
        AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())"""

_SIGNING_IN = [status.value for status in domain.SIGNING_IN]


@dataclass(frozen=True, slots=True)
class Held:
    """A role that somebody has or may get: whom it shows them as, its name, and what it grants."""

    role: Role
    name: str
    grants: int

    @property
    def custom(self) -> str | None:
        """Its name, where the workspace made it."""
        return None if self.name == self.role else self.name

    @property
    def worth(self) -> int:
        """What whoever gives it must have. Whom a role shows somebody as is worth something too: nobody makes admins who is none."""
        return self.grants | built_in_grants(self.role)


@dataclass(frozen=True, slots=True)
class Standing:
    """What whoever asks is granted now, which person answers for it, and until when, where a token ends."""

    grants: int
    person: UUID
    until: datetime | None


async def held_by(connection: Connection, workspace_id: UUID, user_id: UUID) -> Held | None:
    """What a member has; None for who is no member."""
    row = await connection.fetchrow(_HELD, workspace_id, user_id)
    return None if row is None else Held(Role(row["role"]), row["name"], _grants(row))


async def lock_as(connection: Connection, by: Principal, permission: Permission) -> Standing:
    """Lock the workspace for a decision, and read what the caller is granted in it now. Raises `PermissionIsMissing`."""
    is_there = await connection.fetchval(LOCK_WORKSPACE, by.workspace_id)
    standing = await _standing(connection, by) if is_there else None
    if standing is None or not standing.grants & by.grants & permission.bit:
        raise PermissionIsMissing
    return Standing(standing.grants & by.grants, standing.person, standing.until)


async def present_grants(connection: Connection, workspace_id: UUID, user_id: UUID) -> int:
    """What a person is granted now, or what a program's tokens grant; nothing where they are gone or kept out."""
    row = await connection.fetchrow(_PRESENT, workspace_id, user_id, _SIGNING_IN)
    if row is None or row["role"] != Role.SYSTEM:
        return 0 if row is None else _grants(row)
    grants = 0
    for standing in await _tokens(connection, workspace_id, user_id, None):
        grants |= standing.grants
    return grants


async def _standing(connection: Connection, by: Principal) -> Standing | None:
    row = await connection.fetchrow(_PRESENT, by.workspace_id, by.user_id, _SIGNING_IN)
    if row is None or row["role"] != Role.SYSTEM:
        return None if row is None else Standing(_grants(row), by.user_id, None)
    return next(iter(await _tokens(connection, by.workspace_id, by.user_id, by.session_id)), None)


async def _tokens(connection: Connection, workspace_id: UUID, account_id: UUID, token_id: UUID | None) -> list[Standing]:
    """What each good token of a service account grants, or that one."""
    return [
        Standing(
            domain.token_grants(bits_of(row["scopes"]), await present_grants(connection, workspace_id, row["granted_by"])),
            row["granted_by"],
            row["expires_at"],
        )
        for row in await connection.fetch(_TOKENS, workspace_id, account_id, token_id)
    ]


def _grants(row: asyncpg.Record) -> int:
    """Of a role: the built-in ones' are in the code."""
    return built_in_grants(Role(row["role"])) if row["permissions"] is None else bits_of(row["permissions"])
