"""Who is kept out: of a workspace by its admins, of all of them by the operator."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from services.identity import domain
from services.identity.repository.audit import audit
from services.identity.repository.ending import end_sessions
from services.identity.repository.roles import Held, held_by
from services.identity.repository.users import LOCK_WORKSPACE, OTHER_ADMINS, next_version, seen_by_each_workspace, user_of
from shared.contracts.identity.accounts import UserReinstated, UserSuspended
from shared.contracts.identity.users import AccountStatus, User, UserNotFound
from shared.contracts.principal import Principal
from shared.database.connections import Connection, Database, once_more
from shared.database.history import SYSTEM_ACTOR
from shared.outbox.outbox import emission, emit

_OPERATOR = UUID(SYSTEM_ACTOR)

_MARK = """
    UPDATE workspace_members SET suspended_at = CASE WHEN $2 THEN now() END, updated_at = now()
    WHERE user_id = $1 AND (suspended_at IS NULL) = $2 RETURNING user_id"""

_SET_STATUS = """
    UPDATE users SET current_account_status = $2, updated_at = now()
    WHERE id = $1 AND current_account_status = ANY($3::text[]) AND deleted_at IS NULL RETURNING id"""

# Whose email was verified meanwhile is active; the others still have to show that it is theirs.
_REINSTATE = """
    UPDATE users SET current_account_status = CASE WHEN is_email_verified THEN 'active' ELSE 'pending-verification' END, updated_at = now()
    WHERE id = $1 AND current_account_status = 'suspended' RETURNING id"""


class Suspensions:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def suspend(self, by: Principal, user_id: UUID, reason: str | None) -> User:
        """Keep a member out of the caller's workspace. Their sessions in it end; those in other workspaces go on."""

        async def attempt() -> User:
            async with self._database.workspace(by.workspace_id, actor=by.user_id, reason=reason) as connection:
                await connection.execute(LOCK_WORKSPACE, by.workspace_id)
                user, held = await user_of(connection, user_id), await _within(connection, by, user_id)
                others = await connection.fetchval(OTHER_ADMINS, user_id, list(domain.SIGNING_IN))
                domain.check_an_admin_stays(held.name, None, other_admins=others)
                if await connection.fetchval(_MARK, user_id, True) is None:
                    return user
                await end_sessions(connection, user_id, "suspended", workspace_id=by.workspace_id)
                return await _say_suspended(connection, by.workspace_id, by.user_id, user_id, reason)

        return await self._committed(attempt)

    async def reinstate(self, by: Principal, user_id: UUID, reason: str | None) -> User:
        async def attempt() -> User:
            async with self._database.workspace(by.workspace_id, actor=by.user_id, reason=reason) as connection:
                await connection.execute(LOCK_WORKSPACE, by.workspace_id)
                user = await user_of(connection, user_id)
                await _within(connection, by, user_id)
                if await connection.fetchval(_MARK, user_id, False) is None:
                    return user
                return await _say_reinstated(connection, by.workspace_id, by.user_id, user_id, reason)

        return await self._committed(attempt)

    async def suspend_account(self, user_id: UUID, reason: str | None) -> User:
        """Keep somebody out of every workspace."""

        async def attempt() -> User:
            async with self._database.installation(actor=_OPERATOR, reason=reason) as connection:
                if await connection.fetchval(_SET_STATUS, user_id, AccountStatus.SUSPENDED, list(domain.SIGNING_IN)) is not None:
                    await end_sessions(connection, user_id, "suspended")
                    async for workspace_id, _ in seen_by_each_workspace(connection, user_id):
                        await _say_suspended(connection, workspace_id, _OPERATOR, user_id, reason)
                return await _seen_by_the_first(connection, user_id)

        return await self._committed(attempt)

    async def reinstate_account(self, user_id: UUID, reason: str | None) -> User:
        async def attempt() -> User:
            async with self._database.installation(actor=_OPERATOR, reason=reason) as connection:
                if await connection.fetchval(_REINSTATE, user_id) is not None:
                    async for workspace_id, _ in seen_by_each_workspace(connection, user_id):
                        await _say_reinstated(connection, workspace_id, _OPERATOR, user_id, reason)
                return await _seen_by_the_first(connection, user_id)

        return await self._committed(attempt)

    async def _committed(self, attempt: Callable[[], Awaitable[User]]) -> User:
        user = await once_more(attempt)
        self._on_commit()
        return user


async def _seen_by_the_first(connection: Connection, user_id: UUID) -> User:
    """A user as the first of their workspaces sees them."""
    async for _, user in seen_by_each_workspace(connection, user_id):
        return user
    raise UserNotFound


async def _within(connection: Connection, by: Principal, user_id: UUID) -> Held:
    """What the user has, which is no more than whoever judges them has."""
    held = await held_by(connection, by.workspace_id, user_id)
    if held is None:
        raise UserNotFound
    domain.check_within(held.grants, by.grants)
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
