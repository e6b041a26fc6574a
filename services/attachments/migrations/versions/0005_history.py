"""What files were before each change. Leases, places in the store and what is read out of a file are not changes of it."""

from alembic import op

from shared.database.history import history_of
from shared.database.policies import workspace_table

revision = "0005"
down_revision = "0004"

_NO_CHANGE = [
    *("lease", "attempts", "next_try_at", "claimed_at", "claimed_version", "storage_key", "purged_at"),
    *("width", "height", "duration", "waveform", "preview_widths", "previewed_at"),
]


def upgrade() -> None:
    op.execute(history_of("attachments", "attachments", without=_NO_CHANGE))
    op.execute(workspace_table("attachments", "attachments_history", grants="SELECT"))
    op.execute("CREATE INDEX attachments_history_of ON attachments.attachments_history (id, history_id)")
