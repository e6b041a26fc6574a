"""Mail that waits to be sent."""

from alembic import op

from shared.database.policies import installation_table

revision = "0007"
down_revision = "0006"

_QUEUE = """
    CREATE TABLE identity.mail_queue (
        id uuid PRIMARY KEY,
        kind varchar(32) NOT NULL CHECK (kind IN ('verify', 'reset', 'invitation')),
        recipient varchar(255) NOT NULL,
        subject varchar(255) NOT NULL DEFAULT '',
        content text NOT NULL DEFAULT '',
        tries integer NOT NULL DEFAULT 0,
        error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        due_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz,
        outcome varchar(16) CHECK (outcome IN ('sent', 'dropped', 'parked')),
        CHECK ((done_at IS NULL) = (outcome IS NULL))
    );
    CREATE INDEX mail_queue_due ON identity.mail_queue (due_at) WHERE done_at IS NULL;
    CREATE INDEX mail_queue_done ON identity.mail_queue (done_at) WHERE done_at IS NOT NULL;
    CREATE INDEX mail_queue_sent ON identity.mail_queue (recipient, kind, done_at) WHERE outcome = 'sent';
    CREATE INDEX mail_queue_parked ON identity.mail_queue (outcome) WHERE outcome = 'parked';
"""


def upgrade() -> None:
    op.execute(_QUEUE)
    op.execute(installation_table("identity", "mail_queue", grants="SELECT, INSERT, UPDATE, DELETE"))
