"""The tables of the schema `attachments`."""

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.tables import history_table, idempotency_table
from shared.outbox.tables import outbox_tables

metadata = MetaData(schema="attachments")
_MOMENT = TIMESTAMP(timezone=True)
_HERE = text("deleted_at IS NULL")

attachments = Table(
    "attachments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("thread_id", Uuid, nullable=False),
    Column("message_id", Uuid),
    Column("hidden_from", SmallInteger, nullable=False, server_default=text("0")),
    Column("claimed_at", _MOMENT),
    Column("claimed_version", Integer),
    Column("posted_at", _MOMENT),
    Column("filename", String(512), nullable=False),
    Column("mime_type", String(128), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("storage_key", String(512), nullable=False),
    Column("uploaded_by_id", Uuid, nullable=False),
    Column("uploaded_by_role", String(32), nullable=False),
    Column("uploaded_by_name", String(255)),
    Column("voice", Boolean, nullable=False, server_default=text("false")),
    Column("scan_status", String(16), nullable=False, server_default=text("'pending'")),
    Column("scan_result", Text),
    Column("signatures", Text),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("lease", Uuid),
    Column("next_try_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("scanned_at", _MOMENT),
    Column("width", Integer),
    Column("height", Integer),
    Column("duration", Double),
    Column("waveform", JSONB),
    Column("unreadable", String(16)),
    Column("preview_widths", ARRAY(Integer), nullable=False, server_default=text("'{}'")),
    Column("previewed_at", _MOMENT),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("updated_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("deleted_at", _MOMENT),
    Column("purged_at", _MOMENT),
    Column("waits_since", _MOMENT, nullable=False, server_default=func.now()),
    CheckConstraint("(message_id IS NULL) = (posted_at IS NULL)"),
    CheckConstraint("posted_at IS NULL OR claimed_at IS NOT NULL"),
    Index("attachments_storage_key", "storage_key", unique=True),
    Index("attachments_thread", "thread_id", "workspace_id", text("created_at DESC"), text("id DESC"), postgresql_where=_HERE),
    Index("attachments_message", "message_id", "id", postgresql_where=text("message_id IS NOT NULL")),
    Index("attachments_owner", "uploaded_by_id", text("created_at DESC")),
    Index("attachments_digest", "sha256", postgresql_where=_HERE),
    Index(
        "attachments_to_scan",
        *("next_try_at", "id"),
        postgresql_where=text("scan_status IN ('pending', 'scanning') AND deleted_at IS NULL"),
    ),
    Index(
        "attachments_waiting",
        *("waits_since", "id"),
        postgresql_where=text("scan_status IN ('pending', 'scanning') AND deleted_at IS NULL"),
    ),
    Index(
        "attachments_to_preview",
        *("next_try_at", "id"),
        postgresql_where=text("scan_status = 'clean' AND previewed_at IS NULL AND deleted_at IS NULL"),
    ),
    Index(
        "attachments_to_purge",
        "updated_at",
        postgresql_where=text("purged_at IS NULL AND (deleted_at IS NOT NULL OR scan_status = 'infected')"),
    ),
    Index(
        "attachments_never_cleared",
        "scanned_at",
        postgresql_where=text(
            "purged_at IS NULL AND deleted_at IS NULL AND scan_status IN ('unscannable', 'failed') AND storage_key LIKE 'quarantine/%'"
        ),
    ),
    Index(
        "attachments_signatures",
        "signatures",
        postgresql_where=text("scan_status IN ('clean', 'infected', 'unscannable', 'failed') AND deleted_at IS NULL AND purged_at IS NULL"),
    ),
    Index("attachments_statuses", "scan_status", text("created_at DESC"), text("id DESC")),
)

attachments_history = history_table(attachments)
Index("attachments_history_of", attachments_history.c.id, attachments_history.c.history_id)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("thread_id", Uuid, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("storage_key", String(512), nullable=False),
    Column("filename", String(512)),
    Column("size_bytes", BigInteger),
    Column("sha256", LargeBinary),
    Column("received_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("parts", Integer, nullable=False, server_default=text("0")),
    Column("expires_at", _MOMENT, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("resumable_id", Uuid),
    Column("begins_at", BigInteger),
    Index("uploads_expired", "expires_at"),
    Index("uploads_owner", "owner_id"),
    Index("uploads_parts", "resumable_id", "begins_at", postgresql_where=text("resumable_id IS NOT NULL")),
)

resumable_uploads = Table(
    "resumable_uploads",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("thread_id", Uuid, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("filename", String(512), nullable=False),
    Column("metadata", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("received_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("parts", Integer, nullable=False, server_default=text("0")),
    Column("lease", Uuid),
    Column("finishing_until", _MOMENT),
    Column("completed_at", _MOMENT),
    Column("expires_at", _MOMENT, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    CheckConstraint("received_bytes < size_bytes OR size_bytes = 0 OR completed_at IS NOT NULL"),
    Index("resumable_uploads_unfinished", "owner_id", postgresql_where=text("completed_at IS NULL")),
    Index("resumable_uploads_expired", "expires_at"),
)

staged = Table(
    "staged",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("thread_id", Uuid, nullable=False),
    Column("owner_id", Uuid, nullable=False),
    Column("storage_key", String(512), nullable=False),
    Column("filename", String(512), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("put_until", _MOMENT, nullable=False),
    Column("expires_at", _MOMENT, nullable=False),
    Column("sweep_at", _MOMENT, nullable=False),
    Index("staged_storage_key", "storage_key", unique=True),
    Index("staged_to_sweep", "sweep_at"),
)

links = Table(
    "links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("attachment_id", Uuid, nullable=False),
    Column("made_by", Uuid, nullable=False),
    Column("expires_at", _MOMENT, nullable=False),
    Index("links_expired", "expires_at"),
)

outbox, inbox, parked = outbox_tables(metadata, "attachments")
idempotency_keys = idempotency_table(metadata, "attachments")
