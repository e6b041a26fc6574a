"""Where clients put the bytes of their files by themselves."""

from alembic import op

from shared.database.policies import workspace_table

revision = "0003"
down_revision = "0002"

# An object here may be put again until its address is dead, and longer by whoever began in time: so it is never served, but copied to
# where no address leads, and its row outlives it. put_until: the address. expires_at: finishing. sweep_at: when it is deleted next.
_STAGED = """
    CREATE TABLE attachments.staged (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        storage_key varchar(512) NOT NULL,
        filename varchar(512) NOT NULL CHECK (filename <> ''),
        size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
        sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
        created_at timestamptz NOT NULL DEFAULT now(),
        put_until timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        sweep_at timestamptz NOT NULL
    );
    CREATE UNIQUE INDEX staged_storage_key ON attachments.staged (storage_key);
    CREATE INDEX staged_to_sweep ON attachments.staged (sweep_at);
"""


def upgrade() -> None:
    op.execute(_STAGED)
    op.execute(workspace_table("attachments", "staged"))
