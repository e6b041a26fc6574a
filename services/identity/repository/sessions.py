"""Sessions: whether they live, how they go on, and how they end."""

from collections.abc import Callable, Sequence
from uuid import UUID

import asyncpg

from services.identity import domain
from services.identity.domain import Refreshing, Session
from services.identity.repository.ending import end_session
from services.identity.repository.users import myself_of, start_session
from services.identity.tokens import RefreshToken
from shared.contracts.identity.sessions import Authorize, Origin, SessionHasEnded
from shared.contracts.identity.users import AccountStatus, Myself, UserNotFound
from shared.contracts.permissions import bits_of
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import PermissionIsMissing, Refusal
from shared.contracts.roles import built_in_grants
from shared.database.connections import Database, committed, once_more

_GRANTS = {role: built_in_grants(role) for role in Role}

_AUTHORIZE = "SELECT * FROM authorize($1::uuid[], $2::uuid[], $3::uuid[])"

_WORKSPACE = "SELECT workspace_id FROM user_sessions WHERE id = $1"

_LOCK = """
    SELECT s.user_id, s.token_hash, s.previous_token_hash, s.rotated_at, s.expires_at, s.ended_at,
        u.current_account_status, u.deleted_at, clock_timestamp() AS now
    FROM user_sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1 FOR UPDATE OF s"""

_ROTATE = """
    UPDATE user_sessions SET token_hash = $2, previous_token_hash = token_hash, refresh_generation = refresh_generation + 1,
        rotated_at = clock_timestamp(), expires_at = clock_timestamp() + $3::interval
    WHERE id = $1"""


class Sessions:
    """`checks` serves `authorize` alone."""

    def __init__(self, database: Database, checks: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._checks, self._on_commit = database, checks, on_commit

    async def authorize(self, asked: Sequence[Authorize]) -> list[Principal | Refusal]:
        """One statement for all that ask at once. Nothing is remembered: a session that ended is refused from the next request on."""
        ids = ([one.session_id for one in asked], [one.user_id for one in asked], [one.workspace_id for one in asked])
        async with self._checks.connection() as connection:
            rows = await connection.fetch(_AUTHORIZE, *ids)
        answers: list[Principal | Refusal] = [SessionHasEnded() for _ in asked]
        for place, name, email, is_email_verified, role, permissions in rows:
            one, shown_as = asked[place - 1], Role(role)
            grants = _GRANTS[shown_as] if permissions is None else bits_of(permissions)
            answers[place - 1] = _granted(one, shown_as, grants, name, email if is_email_verified else None)
        return answers

    async def start(self, user_id: UUID, workspace_id: UUID, first_token: RefreshToken, origin: Origin) -> Myself:
        async def attempt() -> Myself:
            async with self._database.workspace(workspace_id) as connection:
                await start_session(connection, user_id, workspace_id, first_token, origin)
                user = await myself_of(connection, user_id)
                if user.account_status not in domain.SIGNING_IN:
                    raise UserNotFound  # suspended here
                return user

        return await once_more(attempt)

    async def refresh(self, token: RefreshToken, successor: RefreshToken) -> Myself | None:
        """Whose session goes on with the successor; None when the token is spent. One that was used before ends the session."""
        async with self._database.connection() as connection:
            workspace_id = await connection.fetchval(_WORKSPACE, token.session_id)
        if workspace_id is None:
            return None

        async def attempt() -> Myself | None:
            async with self._database.workspace(workspace_id) as connection:
                row = await connection.fetchrow(_LOCK, token.session_id)
                if row is None:
                    return None  # swept away since
                match _session(row).refreshing(token.hash, successor.hash, row["now"]):
                    case Refreshing.OVER:
                        return None
                    case Refreshing.REUSED:
                        await end_session(connection, token.session_id, "refresh-token-reused")
                        return None
                    case Refreshing.ROTATE:
                        await connection.execute(_ROTATE, token.session_id, successor.hash, domain.SESSION_LIFE)
                user = await myself_of(connection, row["user_id"])
                return user if user.account_status in domain.SIGNING_IN else None

        return await committed(attempt, self._on_commit)

    async def end(self, session_id: UUID) -> None:
        async def attempt() -> None:
            async with self._database.installation() as connection:
                await end_session(connection, session_id, "signed-out")

        await committed(attempt, self._on_commit)


def _granted(asked: Authorize, role: Role, grants: int, name: str, contact: str | None) -> Principal | Refusal:
    if not grants & asked.permission.bit:
        return PermissionIsMissing()
    return Principal(
        user_id=asked.user_id,
        session_id=asked.session_id,
        workspace_id=asked.workspace_id,
        role=role,
        name=name,
        contact=contact,
        grants=grants,
    )


def _session(row: asyncpg.Record) -> Session:
    return Session(
        token_hash=row["token_hash"],
        previous_token_hash=row["previous_token_hash"],
        rotated_at=row["rotated_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
        user_may_sign_in=row["deleted_at"] is None and AccountStatus(row["current_account_status"]) in domain.SIGNING_IN,
    )
