"""Since when a file has waited for its verdict, whatever its tries came to: those that wait already do so from here. And which files in
quarantine were never cleared, though no scan says any more that they are infected.
"""

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
    op.execute("""
        CREATE INDEX attachments_never_cleared ON attachments.attachments (scanned_at)
        WHERE purged_at IS NULL AND deleted_at IS NULL AND scan_status IN ('unscannable', 'failed') AND storage_key LIKE 'quarantine/%'
    """)
