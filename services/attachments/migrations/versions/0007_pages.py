"""A page of a thread's files is read in the order of its index, however many workspaces there are."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("DROP INDEX attachments.attachments_thread")
    op.execute("""
        CREATE INDEX attachments_thread ON attachments.attachments (thread_id, workspace_id, created_at DESC, id DESC)
        WHERE deleted_at IS NULL
    """)
