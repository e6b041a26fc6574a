"""Since when a file has waited for its verdict, whatever its tries came to. Those that wait already do so from here."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE attachments.attachments ADD waits_since timestamptz NOT NULL DEFAULT now()")
    op.execute("ALTER TABLE attachments.attachments_history ADD waits_since timestamptz NOT NULL DEFAULT now()")
    op.execute("ALTER TABLE attachments.attachments_history ALTER waits_since DROP DEFAULT")
    op.execute("""
        CREATE INDEX attachments_waiting ON attachments.attachments (waits_since, id)
        WHERE scan_status IN ('pending', 'scanning') AND deleted_at IS NULL
    """)
