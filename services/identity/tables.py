"""The tables of the schema `identity`."""

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.identity import account_tables
from shared.database.tables import history_table, idempotency_table
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
    Column("search_names", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    UniqueConstraint("username", name="uq_users_username"),
    UniqueConstraint("email", name="uq_users_email"),
    CheckConstraint("current_status IN ('online', 'away', 'busy', 'offline')", name="users_current_status"),
    CheckConstraint("account_type_informal IN ('guest', 'member', 'service')", name="users_account_type"),
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
    Column("created_by", Uuid, ForeignKey(users.c.id)),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Index("workspaces_default", "is_default", unique=True, postgresql_where=text("is_default")),
)

access_permission_domains = Table(
    "access_permission_domains",
    metadata,
    Column("permission_prefix", String(64), primary_key=True),
    Column("description", String(255), nullable=False),
)

roles = Table(
    "roles",
    metadata,
    Column("workspace_id", Uuid, ForeignKey(workspaces.c.id), nullable=False),
    Column("name", String(32), nullable=False),
    Column("id", Uuid, nullable=False),
    Column("description", String(255), nullable=False, server_default=""),
    Column("base_role", String(32), nullable=False),
    Column("permissions", ARRAY(Text), nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    *_made_and_changed(),
    Column("deleted_at", _MOMENT),
    PrimaryKeyConstraint("workspace_id", "name"),
    UniqueConstraint("id", name="roles_id_key"),
    CheckConstraint("base_role IN ('admin', 'agent', 'productOwner', 'client', 'guest')"),
)

workspace_members = Table(
    "workspace_members",
    metadata,
    Column("workspace_id", Uuid, ForeignKey(workspaces.c.id), nullable=False),
    Column("user_id", Uuid, ForeignKey(users.c.id), nullable=False),
    Column("role", String(32), nullable=False),
    *_made_and_changed(),
    Column("deleted_at", _MOMENT),
    Column("custom_role", String(32)),
    Column("suspended_at", _MOMENT),
    PrimaryKeyConstraint("workspace_id", "user_id"),
    ForeignKeyConstraint(["workspace_id", "custom_role"], [roles.c.workspace_id, roles.c.name]),
    CheckConstraint("role IN ('admin', 'agent', 'productOwner', 'client', 'guest', 'system')"),
    Index("workspace_members_user", "user_id", "workspace_id"),
    Index("workspace_members_custom_role", "workspace_id", "custom_role", postgresql_where=text("custom_role IS NOT NULL")),
    Index(
        "workspace_members_staff",
        "workspace_id",
        "user_id",
        postgresql_where=text("role <> 'client' AND role <> 'guest' AND deleted_at IS NULL"),
    ),
)

workspace_members_history = history_table(workspace_members)
Index(
    "workspace_members_history_user",
    workspace_members_history.c.workspace_id,
    workspace_members_history.c.user_id,
    workspace_members_history.c.history_id,
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, ForeignKey(workspaces.c.id), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("email", String(255)),
    Column("is_mailed", Boolean, nullable=False, server_default=text("false")),
    Column("role", String(32), nullable=False),
    Column("invited_by", Uuid, ForeignKey(users.c.id), nullable=False),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("expires_at", _MOMENT, nullable=False),
    Column("accepted_at", _MOMENT),
    Column("accepted_by", Uuid, ForeignKey(users.c.id)),
    Column("revoked_at", _MOMENT),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    UniqueConstraint("token_hash", name="invitations_token_hash_key"),
    Index("invitations_open", "workspace_id", "id", postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL")),
    Index("invitations_email", "workspace_id", "email", postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL")),
)

service_accounts = Table(
    "service_accounts",
    metadata,
    Column("id", Uuid, ForeignKey(users.c.id), primary_key=True),
    Column("workspace_id", Uuid, ForeignKey(workspaces.c.id), nullable=False),
    Column("description", String(500), nullable=False, server_default=""),
    Column("created_by", Uuid, ForeignKey(users.c.id), nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("deleted_at", _MOMENT),
    Index("service_accounts_workspace", "workspace_id", "id", postgresql_where=text("deleted_at IS NULL")),
)

service_tokens = Table(
    "service_tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid, ForeignKey(workspaces.c.id), nullable=False),
    Column("account_id", Uuid, ForeignKey(service_accounts.c.id), nullable=False),
    Column("name", String(100), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_by", Uuid, ForeignKey(users.c.id), nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("issued_at", _MOMENT, nullable=False, server_default=func.now()),
    Column("expires_at", _MOMENT),
    Column("last_used_at", _MOMENT),
    Column("revoked_at", _MOMENT),
    Column("granted_by", Uuid, ForeignKey(users.c.id), nullable=False),
    Index("service_tokens_account", "account_id", "id", postgresql_where=text("revoked_at IS NULL")),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("workspace_id", Uuid),
    Column("at", _MOMENT, nullable=False, server_default=func.clock_timestamp()),
    Column("service", String(32), nullable=False),
    Column("actor_id", Uuid, nullable=False),
    Column("action", String(128), nullable=False),
    Column("target_kind", String(64), nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("reason", Text),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Index("audit_log_workspace", "workspace_id", "at", "id"),
    Index("audit_log_actor", "workspace_id", "actor_id", "at", "id"),
    Index("audit_log_action", "workspace_id", "action", "at", "id"),
    Index("audit_log_target", "workspace_id", "target_id", "at", "id"),
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
    Column("user_agent", String(255)),
    Column("address", String(64)),
    Column("last_used_at", _MOMENT, nullable=False, server_default=func.now()),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)"),
    Index("idx_sessions_user", "user_id", "id"),
    Index("user_sessions_living", "user_id", "id", postgresql_where=text("ended_at IS NULL")),
    Index("user_sessions_over", text("COALESCE(ended_at, expires_at)")),
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

users_history = account_tables.users_history(users)
member_names = account_tables.member_names(metadata)
mailed_tokens = account_tables.mailed_tokens(metadata)
mail_queue = account_tables.mail_queue(metadata)

outbox, inbox, parked = outbox_tables(metadata, "identity")
idempotency_keys = idempotency_table(metadata, "identity")
