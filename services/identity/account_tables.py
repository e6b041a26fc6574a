"""The tables of accounts: what they were, by which names they are found, the links and mails that they get."""

from sqlalchemy import (
    TIMESTAMP,
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
    Uuid,
    func,
    text,
)

from shared.database.tables import history_table

_MOMENT = TIMESTAMP(timezone=True)


def users_history(users: Table) -> Table:
    history = history_table(users)
    Index("users_history_user", history.c.id, history.c.history_id)
    return history


def member_names(metadata: MetaData) -> Table:
    """Filled by triggers, out of `users.search_names`."""
    return Table(
        "member_names",
        metadata,
        Column("workspace_id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("name", Text(collation="C"), nullable=False),
        PrimaryKeyConstraint("workspace_id", "user_id", "name"),
        Index("member_names_name", "workspace_id", "name", "user_id"),
    )


def mailed_tokens(metadata: MetaData) -> Table:
    return Table(
        "mailed_tokens",
        metadata,
        Column("token_hash", String(64), primary_key=True),
        Column("user_id", Uuid, ForeignKey("identity.users.id"), nullable=False),
        Column("purpose", String(32), nullable=False),
        Column("email", String(255), nullable=False),
        Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
        Column("expires_at", _MOMENT, nullable=False),
        Column("spent_at", _MOMENT),
        CheckConstraint("purpose IN ('verify', 'reset')"),
        Index("mailed_tokens_user", "user_id", "purpose", "created_at"),
        Index("mailed_tokens_over", "expires_at"),
    )


def mail_queue(metadata: MetaData) -> Table:
    return Table(
        "mail_queue",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("kind", String(32), nullable=False),
        Column("recipient", String(255), nullable=False),
        Column("subject", String(255), nullable=False, server_default=""),
        Column("tries", Integer, nullable=False, server_default=text("0")),
        Column("error", Text),
        Column("created_at", _MOMENT, nullable=False, server_default=func.now()),
        Column("due_at", _MOMENT, nullable=False, server_default=func.now()),
        Column("done_at", _MOMENT),
        Column("outcome", String(16)),
        Column("invitation_id", Uuid, ForeignKey("identity.invitations.id")),
        CheckConstraint("kind IN ('verify', 'reset', 'invitation')"),
        CheckConstraint("outcome IN ('sent', 'dropped', 'parked')"),
        CheckConstraint("(done_at IS NULL) = (outcome IS NULL)"),
        Index("mail_queue_due", "due_at", postgresql_where=text("done_at IS NULL")),
        Index("mail_queue_done", "done_at", postgresql_where=text("done_at IS NOT NULL")),
        Index("mail_queue_parked", "outcome", postgresql_where=text("outcome = 'parked'")),
        Index("mail_queue_recipient", "recipient", "kind", "created_at"),
        Index("mail_queue_invitation", "invitation_id", postgresql_where=text("invitation_id IS NOT NULL")),
    )
