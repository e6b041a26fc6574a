"""Uploads that go on where they broke off: how far each is; its parts are uploads, each with an object of its own."""

from alembic import op

from shared.database.policies import workspace_table

revision = "0002"
down_revision = "0001"

# lease: the part that may be added next, or was added last. finishing_until: its sender puts all parts together, and nobody may take its
# place meanwhile.
_RESUMABLE = """
    CREATE TABLE attachments.resumable_uploads (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        filename varchar(512) NOT NULL CHECK (filename <> ''),
        metadata text NOT NULL,
        size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
        received_bytes bigint NOT NULL DEFAULT 0 CHECK (received_bytes BETWEEN 0 AND size_bytes),
        parts integer NOT NULL DEFAULT 0,
        lease uuid,
        finishing_until timestamptz,
        completed_at timestamptz,
        expires_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CHECK (received_bytes < size_bytes OR size_bytes = 0 OR completed_at IS NOT NULL)
    );
    CREATE INDEX resumable_uploads_unfinished ON attachments.resumable_uploads (owner_id) WHERE completed_at IS NULL;
    CREATE INDEX resumable_uploads_expired ON attachments.resumable_uploads (expires_at);
"""

# size_bytes: of a part once it counts. begins_at: where it is in the whole.
_PARTS = """
    ALTER TABLE attachments.uploads ADD COLUMN resumable_id uuid, ADD COLUMN begins_at bigint;
    CREATE INDEX uploads_parts ON attachments.uploads (resumable_id, begins_at) WHERE resumable_id IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(_RESUMABLE)
    op.execute(_PARTS)
    op.execute(workspace_table("attachments", "resumable_uploads"))
