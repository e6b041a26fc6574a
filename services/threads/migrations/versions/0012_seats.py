"""One who is gone is known again by their contact too, and whether they were muted."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    for table in ("participants", "participants_history"):
        op.execute(f"ALTER TABLE threads.{table} ADD COLUMN left_muted boolean NOT NULL DEFAULT false")
    op.execute("ALTER TABLE threads.participants_history ALTER COLUMN left_muted DROP DEFAULT")
    op.execute("""
        CREATE INDEX participants_left_contact ON threads.participants (thread_id, contact_key)
        WHERE left_at IS NOT NULL AND contact_key IS NOT NULL""")
