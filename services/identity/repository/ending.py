"""How sessions end."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import structlog

from services.identity import domain
from shared.contracts.identity.sessions import EndReason, SessionEnded
from shared.database.connections import Connection
from shared.outbox.outbox import emission, emit

log = structlog.get_logger()

_END = """
    UPDATE user_sessions SET ended_at = now(), end_reason = $2, version = version + 1
    WHERE id = $1 AND ended_at IS NULL RETURNING id, version, user_id"""

_END_ALL = """
    UPDATE user_sessions SET ended_at = now(), end_reason = $2, version = version + 1
    WHERE user_id = $1 AND ended_at IS NULL AND ($3::uuid IS NULL OR id <> $3) AND ($4::uuid IS NULL OR workspace_id = $4)
    RETURNING id, version, user_id"""

# Ids are made with the sessions: their order is that of the sign-ins.
_END_OLDEST = """
    UPDATE user_sessions SET ended_at = now(), end_reason = $2, version = version + 1
    WHERE id IN (SELECT id FROM user_sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY id DESC OFFSET $3)
    RETURNING id, version, user_id"""


async def end_session(connection: Connection, session_id: UUID, reason: EndReason) -> None:
    await _say_ended(connection, await connection.fetch(_END, session_id, reason), reason)


async def end_sessions(
    connection: Connection, user_id: UUID, reason: EndReason, *, keep: UUID | None = None, workspace_id: UUID | None = None
) -> None:
    """End a user's sessions: all but one where one is kept, those of one workspace where one is named."""
    await _say_ended(connection, await connection.fetch(_END_ALL, user_id, reason, keep, workspace_id), reason)


async def end_oldest_sessions(connection: Connection, user_id: UUID) -> None:
    """Keep as many as one user may have. The user's row is locked, so that sign-ins at once do not overlook each other."""
    reason: EndReason = "too-many-sessions"
    await _say_ended(connection, await connection.fetch(_END_OLDEST, user_id, reason, domain.MOST_SESSIONS), reason)


async def _say_ended(connection: Connection, ended: Sequence[asyncpg.Record], reason: EndReason) -> None:
    """In one statement, however many there are."""
    if not ended:
        return
    events = [
        SessionEnded(entity_id=session_id, version=version, user_id=user_id, session_id=session_id, reason=reason)
        for session_id, version, user_id in ended
    ]
    await emit(connection, *(emission(event, None, event.user_id) for event in events))
    first = events[0]
    log.info("sessions_ended", userId=str(first.user_id), sessionId=str(first.session_id), sessions=len(events), reason=reason)
