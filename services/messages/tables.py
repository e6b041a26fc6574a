"""The tables of the schema `messages`."""

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
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
    Column("changed_at", _MOMENT),
    Column("notes_changed_at", _MOMENT),
    Column("guarded_changed_at", _MOMENT),
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
    Column("hidden_from", SmallInteger, nullable=False, server_default=text("0")),
    Column("root_id", Uuid),
    Column("mentions", ARRAY(Uuid)),
    Column("robot_id", String(64)),
    Column("robot_response_to", Uuid),
    Column("is_robot_visible_to_guests", Boolean, nullable=False, server_default=text("false")),
    Column("posted_by", Uuid),
    Column("author_contact", String(255)),
    Column("attachments", JSONB),
    Column("attachment_versions", ARRAY(Integer)),
    PrimaryKeyConstraint("id", "created_at"),
    CheckConstraint("(hidden_from > 0) = (sub_seq > 0)"),
    CheckConstraint("(hidden_from = 1) = (channel = 'note')"),
    Index(
        "messages_thread_id_created_at",
        "thread_id",
        text("created_at DESC"),
        unique=True,
        postgresql_include=["workspace_id", "author_id", "hidden_from", "deleted_at"],
    ),
    Index("messages_author_id_created_at", "author_id", text("created_at DESC")),
    Index(
        "messages_thread_id_message_type_created_at",
        "thread_id",
        "message_type",
        text("created_at DESC"),
        postgresql_where=text("deleted_at IS NULL AND message_type <> 'chat'"),
    ),
    Index(
        "messages_thread_id_updated_at",
        "thread_id",
        text("updated_at DESC"),
        postgresql_include=["workspace_id", "hidden_from", "created_at"],
        postgresql_where=text("version > 1"),
    ),
    Index("messages_root_id_created_at", "root_id", "created_at", postgresql_where=text("root_id IS NOT NULL")),
    postgresql_partition_by="RANGE (created_at)",
)

messages_history = history_table(messages)
Index("messages_history_id", messages_history.c.id, messages_history.c.history_id)

mentions = Table(
    "mentions",
    metadata,
    Column("user_id", Uuid, nullable=False),
    Column("thread_id", Uuid, nullable=False),
    Column("created_at", _MOMENT, nullable=False),
    Column("workspace_id", Uuid, nullable=False),
    Column("hidden_from", SmallInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "thread_id", "created_at", postgresql_include=["workspace_id", "hidden_from"]),
)

read_receipts = Table(
    "read_receipts",
    metadata,
    Column("id", Uuid, nullable=False, server_default=func.uuidv7()),
    Column("workspace_id", Uuid, nullable=False),
    Column("thread_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("user_role", String(32), nullable=False),
    Column("user_name", String(255)),
    Column("user_contact", String(255)),
    Column("takes_part", Boolean, nullable=False, server_default=text("true")),
    Column("joined_at", _MOMENT),
    Column("last_read_message_id", Uuid),
    Column("last_read_at", _MOMENT),
    Column("read_up_to", _MOMENT),
    Column("last_delivered_message_id", Uuid),
    Column("last_delivered_at", _MOMENT),
    Column("delivered_up_to", _MOMENT),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("updated_at", _MOMENT, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("thread_id", "user_id"),
    CheckConstraint("(last_read_message_id IS NULL) OR (read_up_to IS NOT NULL AND last_read_at IS NOT NULL)"),
    Index("read_receipts_thread_id_user_contact", "thread_id", "user_contact", postgresql_where=text("user_contact IS NOT NULL")),
)

outbox, inbox, parked = outbox_tables(metadata, "messages")
idempotency_keys = idempotency_table(metadata, "messages")
