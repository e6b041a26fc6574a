"""Indexes of users and of contacts hold just these and begin with them: nothing but the index in their order gives those who take part."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("DROP INDEX threads.participants_contact")
    op.execute("DROP INDEX threads.participants_by_user")
    op.execute("DROP INDEX threads.participants_by_contact")
    op.execute("""
        CREATE UNIQUE INDEX participants_contact ON threads.participants (thread_id, contact_key)
        WHERE left_at IS NULL AND contact_key IS NOT NULL""")
    op.execute("""
        CREATE INDEX participants_by_user ON threads.participants (user_id, workspace_id, thread_id)
        WHERE left_at IS NULL AND user_id IS NOT NULL""")
    op.execute("""
        CREATE INDEX participants_by_contact ON threads.participants (contact_key, workspace_id, thread_id)
        WHERE left_at IS NULL AND contact_key IS NOT NULL""")
