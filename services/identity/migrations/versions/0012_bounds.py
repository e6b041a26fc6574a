"""Bounds: of a user's sessions, of a mailbox's letters. The queue of mail names the invitation instead of saying its token."""

from alembic import op

revision = "0012"
down_revision = "0011"

_SESSIONS = "CREATE INDEX user_sessions_living ON identity.user_sessions (user_id, id) WHERE ended_at IS NULL"

# What waits is written when it is sent, with a token of its own.
_MAIL = """
    ALTER TABLE identity.mail_queue ADD COLUMN invitation_id uuid REFERENCES identity.invitations (id);
    UPDATE identity.mail_queue SET invitation_id = (
        SELECT i.id FROM identity.invitations i
        WHERE i.email = recipient AND i.is_mailed AND i.accepted_at IS NULL AND i.revoked_at IS NULL ORDER BY i.id DESC LIMIT 1)
        WHERE kind = 'invitation' AND done_at IS NULL;
    ALTER TABLE identity.mail_queue DROP COLUMN content;
    DROP INDEX identity.mail_queue_sent;
    CREATE INDEX mail_queue_recipient ON identity.mail_queue (recipient, kind, created_at);
    CREATE INDEX mail_queue_invitation ON identity.mail_queue (invitation_id) WHERE invitation_id IS NOT NULL;
    CREATE INDEX invitations_email ON identity.invitations (workspace_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL;
"""


def upgrade() -> None:
    op.execute(_SESSIONS)
    op.execute(_MAIL)
    op.execute("DROP FUNCTION identity.tokens_were_used(uuid[])")  # it is written by the background role now, off the request's path
