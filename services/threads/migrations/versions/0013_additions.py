"""The history of those who take part begins with who brought them in, and why."""

from alembic import op

from shared.database.history import additions_of

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(additions_of("threads", "participants"))
