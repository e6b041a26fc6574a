"""The tables of the schema `threads`."""

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.tables import history_table, idempotency_table
from shared.outbox.tables import outbox_tables

metadata = MetaData(schema="threads")
_MOMENT = TIMESTAMP(timezone=True)
_HERE = text("left_at IS NULL")
_USER_HERE = text("left_at IS NULL AND user_id IS NOT NULL")
_CONTACT_HERE = text("left_at IS NULL AND contact_key IS NOT NULL")
_CONTACT_GONE = text("left_at IS NOT NULL AND contact_key IS NOT NULL")

threads = Table(
    "threads",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("booking_id", String(64)),
    Column("ref", String(32)),
    Column("title", String(255), nullable=False),
    Column("client_name", String(255)),
    Column("status", String(32), nullable=False, server_default=text("'Draft'")),
    Column("state", String(16), nullable=False, server_default=text("'active'")),
    Column("description", Text),
    Column("issue_id", String(255)),
    Column("issue_description", Text),
    Column("is_private", Boolean, nullable=False, server_default=text("false")),
    Column("guest_access_allowed", Boolean, nullable=False, server_default=text("true")),
    Column("max_participants", Integer, nullable=False, server_default=text("50")),
    Column("creator_id", Uuid, nullable=False),
    Column("parent_thread_id", Uuid, ForeignKey("threads.threads.id")),
    Column("escalation_level", Integer, nullable=False, server_default=text("1")),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("updated_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("archived_at", _MOMENT),
    Column("deleted_at", _MOMENT),
    Column("direct_key", Text),
    Column("project_id", Uuid),
    Column("project_version", Integer),
    UniqueConstraint("workspace_id", "booking_id", name="threads_booking"),
    UniqueConstraint("workspace_id", "direct_key", name="threads_direct"),
    UniqueConstraint("workspace_id", "project_id", name="threads_project"),
    CheckConstraint("(kind = 'project') = (project_id IS NOT NULL)"),
    CheckConstraint("(kind = 'booking') = (booking_id IS NOT NULL)"),
    CheckConstraint("(kind = 'direct') = (direct_key IS NOT NULL)"),
    CheckConstraint("(state = 'archived') = (archived_at IS NOT NULL)"),
    Index("threads_ref", "workspace_id", "ref"),
    Index(
        "threads_counted",
        *("workspace_id", "state", "status", "kind", "is_private"),
        postgresql_include=["id", "guest_access_allowed"],
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(
        "threads_words",
        text("threads.found_by(workspace_id, title, ref)"),
        postgresql_using="gin",
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index("threads_parent", "parent_thread_id", postgresql_where=text("parent_thread_id IS NOT NULL")),
)

participants = Table(
    "participants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("thread_id", Uuid, ForeignKey("threads.threads.id"), nullable=False),
    Column("user_id", Uuid),
    Column("role", String(32), nullable=False),
    Column("participant_role", String(16), nullable=False, server_default=text("'member'")),
    Column("status", String(16), nullable=False, server_default=text("'active'")),
    Column("name", String(255)),
    Column("contact", String(255)),
    Column("contact_key", Text),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("joined_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("left_at", _MOMENT),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("updated_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("can_send_messages", Boolean, nullable=False, server_default=text("true")),
    Column("can_invite_others", Boolean, nullable=False, server_default=text("false")),
    Column("can_see_history", Boolean, nullable=False, server_default=text("true")),
    Column("last_read_at", _MOMENT),
    Column("deleted_at", _MOMENT),
    Column("left_muted", Boolean, nullable=False, server_default=text("false")),
    Column("project_version", Integer),
    CheckConstraint("(status IN ('removed', 'left')) = (left_at IS NOT NULL)"),
    CheckConstraint("deleted_at IS NOT DISTINCT FROM left_at"),
    CheckConstraint("(contact IS NULL) = (contact_key IS NULL)"),
    Index("participants_user", "thread_id", "user_id", unique=True, postgresql_where=text("user_id IS NOT NULL")),
    Index("participants_contact", "thread_id", "contact_key", unique=True, postgresql_where=_CONTACT_HERE),
    Index("participants_in_order", "thread_id", "joined_at", "id", postgresql_where=_HERE),
    Index("participants_left", "thread_id", "joined_at", "id", postgresql_where=text("left_at IS NOT NULL")),
    Index("participants_left_contact", "thread_id", "contact_key", postgresql_where=_CONTACT_GONE),
    Index("participants_moderators", "thread_id", postgresql_where=text("participant_role = 'moderator' AND left_at IS NULL")),
    Index("participants_by_user", "user_id", "workspace_id", "thread_id", postgresql_where=_USER_HERE),
    Index("participants_by_contact", "contact_key", "workspace_id", "thread_id", postgresql_where=_CONTACT_HERE),
)

activity = Table(
    "activity",
    metadata,
    Column("thread_id", Uuid, ForeignKey("threads.threads.id"), primary_key=True),
    Column("workspace_id", Uuid, nullable=False),
    Column("archived", Boolean, nullable=False, server_default=text("false")),
    Column("at", _MOMENT, nullable=False, server_default=func.now()),
    Column("participant_count", Integer, nullable=False, server_default=text("0")),
    Column("last_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("last_version", Integer, nullable=False, server_default=text("0")),
    Column("last_message_id", Uuid),
    Column("last_message_author", String(255)),
    Column("last_message_preview", Text),
    Column("last_message_at", _MOMENT),
    Column("revision", BigInteger, nullable=False, server_default=text("1")),
    Index("activity_newest", "workspace_id", "archived", text("at DESC"), text("thread_id DESC")),
)

audited_reads = Table(
    "audited_reads",
    metadata,
    Column("workspace_id", Uuid, nullable=False),
    Column("user_id", Uuid, primary_key=True),
    Column("thread_id", Uuid, ForeignKey("threads.threads.id"), primary_key=True),
    Column("action", Text, primary_key=True),
    Column("at", _MOMENT, nullable=False),
    Index("audited_reads_at", "at"),
)

threads_history = history_table(threads)
Index("threads_history_of", threads_history.c.id, threads_history.c.history_id)
participants_history = history_table(participants)
Index("participants_history_of", participants_history.c.thread_id, participants_history.c.history_id)

outbox, inbox, parked = outbox_tables(metadata, "threads")
idempotency_keys = idempotency_table(metadata, "threads")
