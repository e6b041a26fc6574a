"""Who is kept out: of a workspace by its admins, of all of them by the operator."""

from collections.abc import Callable
from uuid import UUID

from services.identity import domain
from services.identity.repository.audit import OPERATOR, audit
from services.identity.repository.ending import end_sessions
from services.identity.repository.grants import Held, held_by, lock_as
from services.identity.repository.users import OTHER_ADMINS, enter, next_version, seen_by_each_workspace, user_of
from shared.contracts.identity.accounts import Account, UserReinstated, UserSuspended
from shared.contracts.identity.users import AccountStatus, User, UserNotFound
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, committed
from shared.outbox.outbox import emission, emit

_MARK = """
    UPDATE workspace_members SET suspended_at = CASE WHEN $2 THEN now() END, updated_at = now()
    WHERE user_id = $1 AND (suspended_at IS NULL) = $2 RETURNING user_id"""

_SET_STATUS = """
    UPDATE users SET current_account_status = $2, updated_at = now()
    WHERE id = $1 AND current_account_status = ANY($3::text[]) AND deleted_at IS NULL RETURNING id"""

# Whose email was verified meanwhile is active; the others still have to show that it is theirs, but for programs, who have none.
_REINSTATE = """
    UPDATE users SET updated_at = now(), current_account_status = CASE
            WHEN is_email_verified OR account_type_informal = 'service' THEN 'active' ELSE 'pending-verification' END
    WHERE id = $1 AND current_account_status = 'suspended' RETURNING id"""

_ACCOUNT = """
    SELECT id, email, username, name, current_account_status AS account_status, is_email_verified
    FROM users WHERE id = $1 AND deleted_at IS NULL"""


class Suspensions:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def suspend(self, by: Principal, user_id: UUID, reason: str | None) -> User:
        """Keep a member out of the caller's workspace. Their sessions in it end; those in other workspaces go on."""

        async def attempt() -> User:
            async with self._database.workspace(by.workspace_id, actor=by.user_id, reason=reason) as connection:
                own = (await lock_as(connection, by, Permission.USER_SUSPEND)).grants
                user, held = await user_of(connection, user_id), await _within(connection, by.workspace_id, own, user_id)
                others = await connection.fetchval(OTHER_ADMINS, user_id, list(domain.SIGNING_IN))
                domain.check_an_admin_stays(held.name, None, other_admins=others)
                if await connection.fetchval(_MARK, user_id, True) is None:
                    return user
                await end_sessions(connection, user_id, "suspended", workspace_id=by.workspace_id)
                return await _say_suspended(connection, by.workspace_id, by.user_id, user_id, reason)

        return await committed(attempt, self._on_commit)

    async def reinstate(self, by: Principal, user_id: UUID, reason: str | None) -> User:
        async def attempt() -> User:
            async with self._database.workspace(by.workspace_id, actor=by.user_id, reason=reason) as connection:
                own = (await lock_as(connection, by, Permission.USER_SUSPEND)).grants
                user = await user_of(connection, user_id)
                await _within(connection, by.workspace_id, own, user_id)
                if await connection.fetchval(_MARK, user_id, False) is None:
                    return user
                return await _say_reinstated(connection, by.workspace_id, by.user_id, user_id, reason)

        return await committed(attempt, self._on_commit)

    async def suspend_account(self, user_id: UUID, reason: str | None) -> Account:
        """Keep somebody out of every workspace."""

        async def attempt() -> Account:
            async with self._database.installation(actor=OPERATOR, reason=reason) as connection:
                if await connection.fetchval(_SET_STATUS, user_id, AccountStatus.SUSPENDED, list(domain.SIGNING_IN)) is not None:
                    await end_sessions(connection, user_id, "suspended")
                    told = [
                        await _say_suspended(connection, workspace_id, OPERATOR, user_id, reason)
                        async for workspace_id, _ in seen_by_each_workspace(connection, user_id)
                    ]
                    if not told:
                        await _audit_at_home(connection, "identity:user:suspend", user_id, reason)
                return await _account(connection, user_id)

        return await committed(attempt, self._on_commit)

    async def reinstate_account(self, user_id: UUID, reason: str | None) -> Account:
        async def attempt() -> Account:
            async with self._database.installation(actor=OPERATOR, reason=reason) as connection:
                if await connection.fetchval(_REINSTATE, user_id) is not None:
                    told = [
                        await _say_reinstated(connection, workspace_id, OPERATOR, user_id, reason)
                        async for workspace_id, _ in seen_by_each_workspace(connection, user_id)
                    ]
                    if not told:
                        await _audit_at_home(connection, "identity:user:reinstate", user_id, reason)
                return await _account(connection, user_id)

        return await committed(attempt, self._on_commit)


async def _account(connection: Connection, user_id: UUID) -> Account:
    row = await connection.fetchrow(_ACCOUNT, user_id)
    if row is None:
        raise UserNotFound
    return Account(**{**row, "account_status": AccountStatus(row["account_status"])})


async def _audit_at_home(connection: Connection, action: str, user_id: UUID, reason: str | None) -> None:
    """Of who is in no workspace, the default one's log has it."""
    home = await connection.fetchval("SELECT default_workspace()")
    await enter(connection, home)
    await audit(connection, home, OPERATOR, action, "user", user_id, reason=reason)


async def _within(connection: Connection, workspace_id: UUID, own: int, user_id: UUID) -> Held:
    """What the user has, which is no more than whoever judges them has."""
    held = await held_by(connection, workspace_id, user_id)
    if held is None:
        raise UserNotFound
    domain.check_within(held.grants, own)
    return held


async def _say_suspended(connection: Connection, workspace_id: UUID, actor: UUID, user_id: UUID, reason: str | None) -> User:
    version, user = await next_version(connection, user_id), await user_of(connection, user_id)
    event = UserSuspended(entity_id=user_id, version=version, user=user, reason=reason)
    await emit(connection, emission(event, workspace_id, user_id))
    await audit(connection, workspace_id, actor, "identity:user:suspend", "user", user_id, reason=reason)
    return user


async def _say_reinstated(connection: Connection, workspace_id: UUID, actor: UUID, user_id: UUID, reason: str | None) -> User:
    version, user = await next_version(connection, user_id), await user_of(connection, user_id)
    event = UserReinstated(entity_id=user_id, version=version, user=user, reason=reason)
    await emit(connection, emission(event, workspace_id, user_id))
    await audit(connection, workspace_id, actor, "identity:user:reinstate", "user", user_id, reason=reason)
    return user
