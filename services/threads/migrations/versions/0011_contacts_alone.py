"""The index of contacts holds contacts alone, so that nothing but the index in their order gives those who take part in a thread."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("DROP INDEX threads.participants_contact")
    op.execute("""
        CREATE UNIQUE INDEX participants_contact ON threads.participants (thread_id, contact_key)
        WHERE left_at IS NULL AND contact_key IS NOT NULL""")
