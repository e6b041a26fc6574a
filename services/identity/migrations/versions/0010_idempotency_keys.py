"""Keys by which a request that is sent again is known."""

from alembic import op

from shared.database.idempotency import create_idempotency_keys

revision = "0010"
down_revision = "0007"


def upgrade() -> None:
    create_idempotency_keys(op, "identity")
