"""The tokens of service accounts: what they grant, and whether they are good. Their hashes alone are kept."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from hmac import compare_digest
from uuid import UUID

import asyncpg

from services.identity import domain
from services.identity.repository.audit import audit
from services.identity.repository.grants import Standing, lock_as
from services.identity.repository.service_accounts import account_row
from services.identity.tokens import ServiceSecret
from shared.contracts.identity.service_accounts import (
    MOST_TOKENS,
    AuthorizeToken,
    ServiceToken,
    ServiceTokenCreated,
    ServiceTokenMade,
    ServiceTokenNotFound,
    ServiceTokenRevoked,
    ServiceTokenRotated,
    TooManyTokens,
)
from shared.contracts.identity.sessions import TokenIsNotValid
from shared.contracts.permissions import Permission, bits_of
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing, Refusal
from shared.contracts.roles import built_in_grants
from shared.database.connections import Connection, Database, committed
from shared.outbox.outbox import emission, emit

_GRANTS = {role: built_in_grants(role) for role in Role}

_COLUMNS = "id, name, scopes, created_by, granted_by, created_at, issued_at, expires_at, last_used_at"

_AUTHORIZE = "SELECT * FROM authorize_tokens($1::uuid[])"

_LIST = f"""
    SELECT {_COLUMNS} FROM service_tokens WHERE workspace_id = $1 AND account_id = $2 AND revoked_at IS NULL ORDER BY id"""

_ONE = f"SELECT {_COLUMNS} FROM service_tokens WHERE workspace_id = $1 AND account_id = $2 AND id = $3 AND revoked_at IS NULL"

_LOCK_ACCOUNT = "SELECT id FROM service_accounts WHERE workspace_id = $1 AND id = $2 FOR NO KEY UPDATE"
_COUNT = "SELECT count(*) FROM service_tokens WHERE workspace_id = $1 AND account_id = $2 AND revoked_at IS NULL"

_ADD = f"""
    INSERT INTO service_tokens (id, workspace_id, account_id, name, token_hash, scopes, created_by, granted_by, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, least(now() + $9::interval, $10)) RETURNING {_COLUMNS}"""

_SCOPES = """
    SELECT scopes FROM service_tokens
    WHERE workspace_id = $1 AND account_id = $2 AND id = $3 AND revoked_at IS NULL FOR NO KEY UPDATE"""
_ROTATE = f"""
    UPDATE service_tokens SET token_hash = $2, granted_by = $3, version = version + 1, issued_at = now(),
        expires_at = least(now() + (expires_at - issued_at), $4)
    WHERE id = $1 RETURNING {_COLUMNS}, version"""

_REVOKE = """
    UPDATE service_tokens SET revoked_at = now(), version = version + 1
    WHERE workspace_id = $1 AND account_id = $2 AND id = $3 AND revoked_at IS NULL RETURNING version"""
_WAS_REVOKED = """
    SELECT EXISTS (SELECT FROM service_tokens WHERE workspace_id = $1 AND account_id = $2 AND id = $3 AND revoked_at IS NOT NULL)"""


class ServiceTokens:
    """`checks` serves `authorize` alone."""

    def __init__(self, database: Database, checks: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._checks, self._on_commit = database, checks, on_commit

    async def authorize(self, asked: Sequence[AuthorizeToken]) -> list[Principal | Refusal]:
        """One statement for all that ask at once, as for sessions."""
        answers: list[Principal | Refusal] = [TokenIsNotValid() for _ in asked]
        async with self._checks.connection() as connection:
            rows = await connection.fetch(_AUTHORIZE, [one.token_id for one in asked])
        for row in rows:
            one = asked[row["place"] - 1]
            if compare_digest(row["token_hash"], one.token_hash):
                answers[row["place"] - 1] = _granted(one, row)
        return answers

    async def list(self, workspace_id: UUID, account_id: UUID) -> list[ServiceToken]:
        async with self._database.reading(workspace_id) as connection:
            await account_row(connection, workspace_id, account_id)
            return [ServiceToken(**row) for row in await connection.fetch(_LIST, workspace_id, account_id)]

    async def get(self, workspace_id: UUID, account_id: UUID, token_id: UUID) -> ServiceToken:
        async with self._database.reading(workspace_id) as connection:
            row = await connection.fetchrow(_ONE, workspace_id, account_id, token_id)
        if row is None:
            raise ServiceTokenNotFound
        return ServiceToken(**row)

    async def create(
        self, by: Principal, account_id: UUID, name: str, scopes: Sequence[Permission], life: timedelta | None
    ) -> ServiceTokenMade:
        names = [permission.value for permission in Permission if permission in scopes]
        secret = ServiceSecret.new()

        async def attempt() -> ServiceTokenMade:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                standing = await lock_as(connection, by, Permission.SERVICE_MANAGE)
                await account_row(connection, by.workspace_id, account_id)
                domain.check_within(bits_of(names), _givable(by, standing))
                await connection.execute(_LOCK_ACCOUNT, by.workspace_id, account_id)
                if await connection.fetchval(_COUNT, by.workspace_id, account_id) >= MOST_TOKENS:
                    raise TooManyTokens
                values = (secret.token_id, by.workspace_id, account_id, name, secret.hash, names, by.user_id)
                row = await connection.fetchrow(_ADD, *values, standing.person, life, standing.until)
                assert row is not None
                token = ServiceToken(**row)
                event = ServiceTokenCreated(entity_id=token.id, version=1, account_id=account_id, token=token)
                await emit(connection, emission(event, by.workspace_id, account_id))
                await _audit(connection, by, "identity:service:create-token", account_id, token.id, names)
                return ServiceTokenMade(**dict(token), token=secret.text)

        return await committed(attempt, self._on_commit)

    async def rotate(self, by: Principal, account_id: UUID, token_id: UUID) -> ServiceTokenMade:
        secret = ServiceSecret.new(token_id)

        async def attempt() -> ServiceTokenMade:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                standing = await lock_as(connection, by, Permission.SERVICE_MANAGE)
                scopes = await connection.fetchval(_SCOPES, by.workspace_id, account_id, token_id)
                if scopes is None:
                    raise ServiceTokenNotFound
                domain.check_within(bits_of(scopes), _givable(by, standing))
                row = await connection.fetchrow(_ROTATE, token_id, secret.hash, standing.person, standing.until)
                assert row is not None, "it is locked"
                token = ServiceToken(**row)
                event = ServiceTokenRotated(entity_id=token_id, version=row["version"], account_id=account_id, token=token)
                await emit(connection, emission(event, by.workspace_id, account_id))
                await _audit(connection, by, "identity:service:rotate-token", account_id, token_id, scopes)
                return ServiceTokenMade(**dict(token), token=secret.text)

        return await committed(attempt, self._on_commit)

    async def revoke(self, by: Principal, account_id: UUID, token_id: UUID) -> None:
        async def attempt() -> None:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                version = await connection.fetchval(_REVOKE, by.workspace_id, account_id, token_id)
                if version is None:
                    if await connection.fetchval(_WAS_REVOKED, by.workspace_id, account_id, token_id):
                        return
                    raise ServiceTokenNotFound
                event = ServiceTokenRevoked(entity_id=token_id, version=version, account_id=account_id, revoked_by=by.user_id)
                await emit(connection, emission(event, by.workspace_id, account_id))
                await _audit(connection, by, "identity:service:revoke-token", account_id, token_id, [])

        await committed(attempt, self._on_commit)


def _givable(by: Principal, standing: Standing) -> int:
    """A program gives what it has; what no person is granted, people alone let programs do."""
    return standing.grants if by.role is Role.SYSTEM else domain.givable(standing.grants)


def _granted(asked: AuthorizeToken, row: asyncpg.Record) -> Principal | Refusal:
    answering = _GRANTS[Role(row["answering_role"])] if row["answering_permissions"] is None else bits_of(row["answering_permissions"])
    grants = domain.token_grants(bits_of(row["scopes"]), answering)
    if not grants & asked.permission.bit:
        return PermissionIsMissing()
    return Principal(
        user_id=row["account_id"],
        session_id=asked.token_id,
        workspace_id=row["workspace_id"],
        role=Role.SYSTEM,
        name=row["name"],
        grants=grants,
    )


async def _audit(connection: Connection, by: Principal, action: str, account_id: UUID, token_id: UUID, scopes: Sequence[str]) -> None:
    details = {"tokenId": str(token_id)} | ({"scopes": list(scopes)} if scopes else {})
    await audit(connection, by.workspace_id, by.user_id, action, "service-account", account_id, details=details)
