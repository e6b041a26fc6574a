"""The tables of the schema `identity`."""

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
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.idempotency import idempotency_table
from shared.outbox.tables import outbox_tables

metadata = MetaData(schema="identity")
_MOMENT = TIMESTAMP(timezone=True)


def _made_and_changed() -> tuple[Column[object], Column[object]]:
    return (
        Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
        Column("updated_at", _MOMENT, nullable=False, server_default=func.now()),
    )


users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", String, nullable=False),
    Column("first_name", String, nullable=False),
    Column("last_name", String, nullable=False),
    Column("name", String(255), nullable=False),
    Column("email", String(255), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("display_name", String),
    Column("avatar_url", String(512)),
    Column("current_status", String, nullable=False, server_default="offline"),
    Column("last_seen_at", _MOMENT),
    Column("chat_preferences", JSONB, nullable=False, server_default=text("'{}'")),
    Column("account_type_informal", String(32), nullable=False, server_default="guest"),
    Column("current_account_status", String(32), nullable=False, server_default="pending-verification"),
    Column("is_email_verified", Boolean, nullable=False, server_default=text("false")),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    *_made_and_changed(),
    Column("deleted_at", _MOMENT),
    UniqueConstraint("username", name="uq_users_username"),
    UniqueConstraint("email", name="uq_users_email"),
    CheckConstraint("current_account_status IN ('pending-verification', 'active', 'suspended', 'deactivated')"),
    Index("idx_users_status_last_seen", "current_status", "last_seen_at"),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    *_made_and_changed(),
    Column("deleted_at", _MOMENT),
    Index("workspaces_default", "is_default", unique=True, postgresql_where=text("is_default")),
)

workspace_members = Table(
    "workspace_members",
    metadata,
    Column("workspace_id", Uuid, ForeignKey(workspaces.c.id), nullable=False),
    Column("user_id", Uuid, ForeignKey(users.c.id), nullable=False),
    Column("role", String(32), nullable=False),
    *_made_and_changed(),
    Column("deleted_at", _MOMENT),
    PrimaryKeyConstraint("workspace_id", "user_id"),
    CheckConstraint("role IN ('admin', 'agent', 'productOwner', 'client', 'guest', 'system')"),
    Index("workspace_members_user", "user_id"),
)

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id), nullable=False),
    Column("workspace_id", Uuid, ForeignKey(workspaces.c.id), nullable=False),
    Column("token_hash", String(255), nullable=False),
    Column("previous_token_hash", String(255)),
    Column("refresh_generation", Integer, nullable=False, server_default=text("0")),
    Column("rotated_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("expires_at", _MOMENT, nullable=False),
    Column("ended_at", _MOMENT),
    Column("end_reason", String(32)),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)"),
    Index("idx_sessions_user", "user_id"),
    Index("idx_sessions_token_hash", "token_hash"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column("key", Text, nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("retired_at", _MOMENT),
    CheckConstraint("purpose IN ('access', 'refresh')"),
    Index("signing_keys_current", "purpose", unique=True, postgresql_where=text("retired_at IS NULL")),
)

outbox, inbox, parked = outbox_tables(metadata, "identity")
idempotency_keys = idempotency_table(metadata, "identity")
