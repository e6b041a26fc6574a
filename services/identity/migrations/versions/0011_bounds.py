"""Bounds: of a user's sessions."""

from alembic import op

revision = "0011"
down_revision = "0010"

_SESSIONS = "CREATE INDEX user_sessions_living ON identity.user_sessions (user_id, id) WHERE ended_at IS NULL"


def upgrade() -> None:
    op.execute(_SESSIONS)
    op.execute("DROP FUNCTION identity.tokens_were_used(uuid[])")  # it is written by the background role now, off the request's path
