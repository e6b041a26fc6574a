"""Service accounts: users of one workspace, whom nobody signs in as."""

from collections.abc import Callable
from uuid import UUID

import asyncpg

from services.identity.repository.audit import audit
from services.identity.repository.users import ADD_MEMBER, Account, insert_user
from shared.contracts.identity.service_accounts import (
    CreateServiceAccount,
    ServiceAccount,
    ServiceAccountCreated,
    ServiceAccountDeleted,
    ServiceAccountNotFound,
)
from shared.contracts.identity.users import AccountStatus, AccountType
from shared.contracts.principal import Principal, Role
from shared.database.connections import Connection, Database, committed
from shared.database.idempotency import claim
from shared.identifiers import new_id
from shared.outbox.outbox import emission, emit

NOBODYS_DOMAIN = "service-accounts.invalid"
"""Of the email that every user has: mail to it goes nowhere (RFC 2606)."""

_ADD = "INSERT INTO service_accounts (id, workspace_id, description, created_by) VALUES ($1, $2, $3, $4)"

_ACCOUNTS = """
    SELECT a.id, u.name, u.username, a.description, a.created_by, a.created_at
    FROM service_accounts a JOIN users u ON u.id = a.id WHERE a.workspace_id = $1 AND a.deleted_at IS NULL"""
_PAGE = f"{_ACCOUNTS} AND a.id > $2 ORDER BY a.id LIMIT $3"
_ACCOUNT = f"{_ACCOUNTS} AND a.id = $2"

_DELETE = """
    UPDATE service_accounts SET deleted_at = now(), version = version + 1
    WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING version"""
_WAS_DELETED = "SELECT EXISTS (SELECT FROM service_accounts WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NOT NULL)"
_LEAVE = "UPDATE workspace_members SET deleted_at = now(), updated_at = now() WHERE workspace_id = $1 AND user_id = $2"
_END_USER = "UPDATE users SET deleted_at = now(), version = version + 1, updated_at = now() WHERE id = $1"
_END_TOKENS = "UPDATE service_tokens SET revoked_at = now(), version = version + 1 WHERE account_id = $1 AND revoked_at IS NULL"


class ServiceAccounts:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def page(self, workspace_id: UUID, after: UUID, count: int) -> list[ServiceAccount]:
        async with self._database.reading(workspace_id) as connection:
            return [ServiceAccount(**row) for row in await connection.fetch(_PAGE, workspace_id, after, count)]

    async def get(self, workspace_id: UUID, account_id: UUID) -> ServiceAccount:
        async with self._database.reading(workspace_id) as connection:
            return ServiceAccount(**await account_row(connection, workspace_id, account_id))

    async def create(self, by: Principal, request: CreateServiceAccount, nobodys_password_hash: str) -> ServiceAccount:
        """The password is one that nobody knows. Raises `MadeBefore`, `KeyWasUsedForAnother`."""
        account_id, name = new_id(), request.name

        async def attempt() -> ServiceAccount:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                await claim(connection, request, by, account_id)
                user = Account(f"{account_id}@{NOBODYS_DOMAIN}", name, nobodys_password_hash)
                kind = AccountType.SERVICE
                await insert_user(
                    connection, account_id, user, f"{name}@{NOBODYS_DOMAIN}", verified=False, status=AccountStatus.ACTIVE, kind=kind
                )
                await connection.execute(ADD_MEMBER, by.workspace_id, account_id, Role.SYSTEM)
                await connection.execute(_ADD, account_id, by.workspace_id, request.description, by.user_id)
                account = ServiceAccount(**await account_row(connection, by.workspace_id, account_id))
                event = ServiceAccountCreated(entity_id=account_id, version=1, account=account)
                await emit(connection, emission(event, by.workspace_id, account_id))
                await _audit(connection, by, "identity:service:create", account_id, name)
                return account

        return await committed(attempt, self._on_commit)

    async def delete(self, by: Principal, account_id: UUID) -> None:
        """With its tokens. What it wrote stays its own."""

        async def attempt() -> None:
            async with self._database.workspace(by.workspace_id, actor=by.user_id) as connection:
                version = await connection.fetchval(_DELETE, by.workspace_id, account_id)
                if version is None:
                    if await connection.fetchval(_WAS_DELETED, by.workspace_id, account_id):
                        return
                    raise ServiceAccountNotFound
                await connection.execute(_END_TOKENS, account_id)
                await connection.execute(_LEAVE, by.workspace_id, account_id)
                await connection.execute(_END_USER, account_id)
                event = ServiceAccountDeleted(entity_id=account_id, version=version, deleted_by=by.user_id)
                await emit(connection, emission(event, by.workspace_id, account_id))
                await _audit(connection, by, "identity:service:delete", account_id, "")

        await committed(attempt, self._on_commit)


async def account_row(connection: Connection, workspace_id: UUID, account_id: UUID) -> asyncpg.Record:
    row = await connection.fetchrow(_ACCOUNT, workspace_id, account_id)
    if row is None:
        raise ServiceAccountNotFound
    return row


async def _audit(connection: Connection, by: Principal, action: str, account_id: UUID, name: str) -> None:
    details = {"name": name} if name else {}
    await audit(connection, by.workspace_id, by.user_id, action, "service-account", account_id, details=details)
