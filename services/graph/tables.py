"""The tables of the schema `graph`."""

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from shared.database.tables import history_table, idempotency_table
from shared.outbox.tables import outbox_tables

metadata = MetaData(schema="graph")
_MOMENT = TIMESTAMP(timezone=True)
_PLACED, _UNPLACED = text("position IS NOT NULL"), text("position IS NULL")
_OF_PROJECT, _LIVE = text("project_id IS NOT NULL"), text("deleted_at IS NULL")

positions = Sequence("positions", metadata=metadata)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("type", String(32), nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("project_id", Uuid),
    Column("thread_id", Uuid),
    Column("title", String(512), nullable=False),
    Column("number", Integer),
    Column("deleted", Boolean, nullable=False, server_default=text("false")),
    Column("version", Integer, nullable=False),
    Column("created_at", _MOMENT, nullable=False),
    Column("updated_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("position", BigInteger),
    Index(
        "artifacts_project",
        "project_id",
        "id",
        postgresql_include=["type", "workspace_id"],
        postgresql_where=text("project_id IS NOT NULL AND NOT deleted"),
    ),
    Index("artifacts_thread", "thread_id", "id", postgresql_where=text("thread_id IS NOT NULL AND NOT deleted")),
    Index("artifacts_number", "project_id", "number", postgresql_where=text("number IS NOT NULL")),
    Index("artifacts_workspace", "workspace_id", text("id DESC"), postgresql_where=text("NOT deleted")),
    Index("artifacts_position", "position", postgresql_where=_PLACED),
    Index("artifacts_unplaced", "id", postgresql_where=_UNPLACED),
)

artifact_links = Table(
    "artifact_links",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("project_id", Uuid),
    Column("thread_id", Uuid),
    Column("source_type", String(32), nullable=False),
    Column("source_id", Uuid, nullable=False),
    Column("target_type", String(32), nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("type", String(32), nullable=False),
    Column("derived", String(16)),
    Column("created_by", Uuid, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("updated_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("deleted_at", _MOMENT),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("position", BigInteger),
    CheckConstraint("source_id <> target_id"),
    CheckConstraint("derived IS NOT NULL OR (project_id IS NULL) <> (thread_id IS NULL)"),
    Index(
        "artifact_links_made",
        "source_id",
        "target_id",
        text("COALESCE(project_id, thread_id)"),
        unique=True,
        postgresql_where=text("derived IS NULL AND deleted_at IS NULL"),
    ),
    Index(
        "artifact_links_derived",
        "source_id",
        "target_id",
        "derived",
        unique=True,
        postgresql_where=text("derived IS NOT NULL AND deleted_at IS NULL"),
    ),
    Index("artifact_links_source", "source_id", "target_id", postgresql_where=_LIVE),
    Index("artifact_links_target", "target_id", "source_id", postgresql_where=_LIVE),
    Index(
        "idx_links_project",
        "project_id",
        "workspace_id",
        "id",
        postgresql_where=text("project_id IS NOT NULL AND deleted_at IS NULL"),
    ),
    Index("idx_links_source", "project_id", "source_type", "source_id", postgresql_where=_OF_PROJECT),
    Index("idx_links_target", "project_id", "target_type", "target_id", postgresql_where=_OF_PROJECT),
    Index(
        "artifact_links_thread",
        "thread_id",
        "workspace_id",
        "id",
        postgresql_where=text("thread_id IS NOT NULL AND deleted_at IS NULL"),
    ),
    Index("artifact_links_position", "position", postgresql_where=_PLACED),
    Index("artifact_links_unplaced", "id", postgresql_where=_UNPLACED),
)

task_mentions = Table(
    "task_mentions",
    metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("thread_id", Uuid, nullable=False),
    Column("author_id", Uuid, nullable=False),
    Index("task_mentions_thread", "thread_id", "number"),
)

project_threads = Table(
    "project_threads",
    metadata,
    Column("thread_id", Uuid, primary_key=True),
    Column("project_id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("deleted", Boolean, nullable=False, server_default=text("false")),
    Column("ended", Boolean, nullable=False, server_default=text("false")),
    Index("project_threads_project", "project_id"),
    Index("project_threads_ending", "thread_id", postgresql_where=text("deleted AND NOT ended")),
)

fills = Table(
    "fills",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("after", Uuid),
    Column("artifacts", BigInteger, nullable=False, server_default=text("0")),
    Column("filled_at", _MOMENT),
)

mirror = Table(
    "mirror",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.uuidv7()),
    Column("made_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("alone", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("alone"),
)

unmirrored = Table(
    "unmirrored",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("parked_at", _MOMENT, nullable=False, server_default=func.now()),
)

artifact_links_history = history_table(artifact_links)

outbox, inbox, parked = outbox_tables(metadata, "graph")
idempotency_keys = idempotency_table(metadata, "graph")
