"""Which files are voice messages, and why nothing is shown of a picture or a sound."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE attachments.attachments
            ADD voice boolean NOT NULL DEFAULT false,
            ADD unreadable varchar(16) CHECK (unreadable IN ('broken', 'too_large', 'failed'))
    """)
