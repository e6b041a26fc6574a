"""The sessions of one user, as they see them."""

from collections.abc import Callable
from uuid import UUID

from services.identity.repository.ending import end_session, end_sessions
from shared.contracts.identity.devices import OwnSession, SessionNotFound
from shared.database.connections import Database, committed

# Ids are made with the sessions: their order is that of the sign-ins.
_PAGE = """
    SELECT id, user_agent, address, created_at, last_used_at, expires_at, id = $2 AS current FROM user_sessions
    WHERE user_id = $1 AND id < $3 AND ended_at IS NULL AND expires_at > now() ORDER BY id DESC LIMIT $4"""

_ONE = """
    SELECT id, user_agent, address, created_at, last_used_at, expires_at, id = $2 AS current FROM user_sessions
    WHERE user_id = $1 AND id = $3 AND ended_at IS NULL AND expires_at > now()"""

_IS_OWN = "SELECT EXISTS (SELECT FROM user_sessions WHERE id = $1 AND user_id = $2)"


class Devices:
    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit

    async def page(self, user_id: UUID, current: UUID, before: UUID, count: int) -> list[OwnSession]:
        async with self._database.connection() as connection:
            return [OwnSession(**row) for row in await connection.fetch(_PAGE, user_id, current, before, count)]

    async def get(self, user_id: UUID, current: UUID, session_id: UUID) -> OwnSession:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_ONE, user_id, current, session_id)
        if row is None:
            raise SessionNotFound
        return OwnSession(**row)

    async def end(self, user_id: UUID, session_id: UUID, *, current: UUID) -> None:
        async def attempt() -> None:
            async with self._database.installation(actor=user_id) as connection:
                if not await connection.fetchval(_IS_OWN, session_id, user_id):
                    raise SessionNotFound
                await end_session(connection, session_id, "signed-out" if session_id == current else "ended-elsewhere")

        await committed(attempt, self._on_commit)

    async def end_others(self, user_id: UUID, *, current: UUID) -> None:
        async def attempt() -> None:
            async with self._database.installation(actor=user_id) as connection:
                await end_sessions(connection, user_id, "ended-elsewhere", keep=current)

        await committed(attempt, self._on_commit)
