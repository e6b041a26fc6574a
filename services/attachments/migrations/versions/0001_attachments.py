"""Files of threads and messages, uploads that are under way, links to files, and the outbox."""

from alembic import op

from shared.credentials import background_role, database_role
from shared.database.idempotency import create_idempotency_keys
from shared.database.policies import definer_function, workspace_table
from shared.outbox.tables import create_outbox

revision = "0001"
down_revision = None

# hidden_from: as in messages (0 nobody, 1 those without notes, 2 guests). posted_at: the time of the message, once that is posted.
# claimed_at: when a message first asked for the file; claimed_version: no message that asked was told of an older one.
_ATTACHMENTS = """
    CREATE TABLE attachments.attachments (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        message_id uuid,
        hidden_from smallint NOT NULL DEFAULT 0 CHECK (hidden_from BETWEEN 0 AND 2),
        claimed_at timestamptz,
        claimed_version integer,
        posted_at timestamptz,
        filename varchar(512) NOT NULL CHECK (filename <> ''),
        mime_type varchar(128) NOT NULL,
        size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
        sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
        storage_key varchar(512) NOT NULL,
        uploaded_by_id uuid NOT NULL,
        uploaded_by_role varchar(32) NOT NULL,
        uploaded_by_name varchar(255),
        scan_status varchar(16) NOT NULL DEFAULT 'pending'
            CHECK (scan_status IN ('pending', 'scanning', 'clean', 'infected', 'unscannable', 'failed', 'unscanned')),
        scan_result text,
        signatures text,
        attempts integer NOT NULL DEFAULT 0,
        lease uuid,
        next_try_at timestamptz NOT NULL DEFAULT now(),
        scanned_at timestamptz,
        width integer,
        height integer,
        duration double precision,
        waveform jsonb,
        preview_widths integer[] NOT NULL DEFAULT '{}',
        previewed_at timestamptz,
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        purged_at timestamptz,
        CHECK ((message_id IS NULL) = (posted_at IS NULL)),
        CHECK (posted_at IS NULL OR claimed_at IS NOT NULL)
    ) WITH (fillfactor = 80);
    CREATE UNIQUE INDEX attachments_storage_key ON attachments.attachments (storage_key);
    CREATE INDEX attachments_thread ON attachments.attachments (thread_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
    CREATE INDEX attachments_message ON attachments.attachments (message_id, id) WHERE message_id IS NOT NULL;
    CREATE INDEX attachments_owner ON attachments.attachments (uploaded_by_id, created_at DESC);
    CREATE INDEX attachments_digest ON attachments.attachments (sha256) WHERE deleted_at IS NULL;
    CREATE INDEX attachments_to_scan ON attachments.attachments (next_try_at, id)
        WHERE scan_status IN ('pending', 'scanning') AND deleted_at IS NULL;
    CREATE INDEX attachments_to_preview ON attachments.attachments (next_try_at, id)
        WHERE scan_status = 'clean' AND previewed_at IS NULL AND deleted_at IS NULL;
    CREATE INDEX attachments_to_purge ON attachments.attachments (updated_at)
        WHERE purged_at IS NULL AND (deleted_at IS NOT NULL OR scan_status = 'infected');
    CREATE INDEX attachments_statuses ON attachments.attachments (scan_status, created_at DESC, id DESC);
"""

_UPLOADS = """
    CREATE TABLE attachments.uploads (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        kind varchar(16) NOT NULL CHECK (kind IN ('form', 'voice', 'tus', 'presigned')),
        storage_key varchar(512) NOT NULL,
        filename varchar(512),
        size_bytes bigint,
        sha256 bytea,
        received_bytes bigint NOT NULL DEFAULT 0,
        parts integer NOT NULL DEFAULT 0,
        expires_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX uploads_expired ON attachments.uploads (expires_at);
    CREATE INDEX uploads_owner ON attachments.uploads (owner_id);
"""

# Who has a link shows its token, of which the hash is kept, and no workspace.
_LINKS = """
    CREATE TABLE attachments.links (
        token_hash bytea PRIMARY KEY,
        workspace_id uuid NOT NULL,
        attachment_id uuid NOT NULL,
        made_by uuid NOT NULL,
        expires_at timestamptz NOT NULL
    );
    CREATE INDEX links_expired ON attachments.links (expires_at);
"""
_LINKED = "SELECT l.workspace_id, l.attachment_id FROM links l WHERE l.token_hash = $1 AND l.expires_at > now()"


def upgrade() -> None:
    for tables in (_ATTACHMENTS, _UPLOADS, _LINKS):
        op.execute(tables)
    op.execute(workspace_table("attachments", "attachments", grants="SELECT, INSERT, UPDATE"))
    op.execute(workspace_table("attachments", "uploads"))
    op.execute(workspace_table("attachments", "links", grants="SELECT, INSERT, DELETE"))
    op.execute(definer_function("attachments", "linked", "token_hash bytea", "TABLE (workspace_id uuid, attachment_id uuid)", _LINKED))
    create_idempotency_keys(op, "attachments")
    create_outbox(op, "attachments")
    op.execute(f"GRANT SELECT ON attachments.schema_version TO {database_role('attachments')}, {background_role('attachments')}")
