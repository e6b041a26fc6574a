"""What time does to sessions, tokens and links: when they were last used, and that they are deleted in the end."""

from collections.abc import Iterable
from uuid import UUID

from shared.database.connections import Database

# One write a minute at most, whatever the number of processes; what another one writes right now is skipped.
_SEE_SESSIONS = """
    UPDATE user_sessions SET last_used_at = now() WHERE id IN (
        SELECT id FROM user_sessions WHERE id = ANY($1::uuid[]) AND last_used_at < now() - interval '1 minute' FOR UPDATE SKIP LOCKED)"""

_SEE_USERS = """
    UPDATE users SET last_seen_at = now() WHERE id IN (
        SELECT id FROM users WHERE id = ANY($1::uuid[]) AND (last_seen_at IS NULL OR last_seen_at < now() - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED)"""

_SEE_TOKENS = """
    UPDATE service_tokens SET last_used_at = now() WHERE id IN (
        SELECT id FROM service_tokens WHERE id = ANY($1::uuid[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED)"""

# So long after its end a session still says from where its user signed in.
FORGET_SESSIONS = """
    DELETE FROM user_sessions WHERE id IN (
        SELECT id FROM user_sessions WHERE coalesce(ended_at, expires_at) < now() - interval '30 days' LIMIT $1 FOR UPDATE SKIP LOCKED)"""

FORGET_LINKS = """
    DELETE FROM mailed_tokens WHERE token_hash IN (
        SELECT token_hash FROM mailed_tokens WHERE expires_at < now() - interval '1 day' LIMIT $1 FOR UPDATE SKIP LOCKED)"""


class Traces:
    """As the service's background role."""

    def __init__(self, background: Database) -> None:
        self._background = background

    async def seen(self, sessions: Iterable[UUID], tokens: Iterable[UUID], users: Iterable[UUID]) -> None:
        """They were here just now."""
        async with self._background.connection() as connection:
            await connection.execute(_SEE_SESSIONS, list(sessions))
            await connection.execute(_SEE_TOKENS, list(tokens))
            await connection.execute(_SEE_USERS, list(users))
