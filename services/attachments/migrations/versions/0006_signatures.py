"""What was scanned by which signatures is found without reading all files, when others have come."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        CREATE INDEX attachments_signatures ON attachments.attachments (signatures)
        WHERE scan_status IN ('clean', 'infected', 'unscannable', 'failed') AND deleted_at IS NULL AND purged_at IS NULL
    """)
