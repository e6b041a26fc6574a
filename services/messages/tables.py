"""The tables of the schema `messages`."""

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.idempotency import idempotency_table
from shared.outbox.tables import outbox_tables

metadata = MetaData(schema="messages")
_MOMENT = TIMESTAMP(timezone=True)

heads = Table(
    "heads",
    metadata,
    Column("thread_id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("last_sub_seq", Integer, nullable=False, server_default=text("0")),
    Column("last_at", _MOMENT, nullable=False, server_default=text("'epoch'")),
)

message_keys = Table(
    "message_keys",
    metadata,
    Column("thread_id", Uuid, nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("key", String(255), nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("thread_id", "author_id", "key"),
    Index("message_keys_created_at", "created_at", postgresql_using="brin"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("thread_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("sub_seq", Integer, nullable=False),
    Column("author_id", Uuid),
    Column("author_role", String(32), nullable=False),
    Column("author_name", String(255)),
    Column("channel", String(32), nullable=False),
    Column("message_type", String(32), nullable=False),
    Column("content", Text, nullable=False),
    Column("content_metadata", JSONB, nullable=False),
    Column("reply_to", Uuid),
    Column("metadata", JSONB, nullable=False),
    Column("delivery_status", String(32), nullable=False),
    Column("client_message_id", String(64)),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", _MOMENT, nullable=False),
    Column("updated_at", _MOMENT, nullable=False),
    Column("edited_at", _MOMENT),
    Column("deleted_at", _MOMENT),
    PrimaryKeyConstraint("id", "created_at"),
    CheckConstraint("(channel = 'note') = (sub_seq > 0)"),
    Index("messages_thread_id_created_at", "thread_id", text("created_at DESC"), unique=True),
    postgresql_partition_by="RANGE (created_at)",
)

outbox, inbox, parked = outbox_tables(metadata, "messages")
idempotency_keys = idempotency_table(metadata, "messages")
