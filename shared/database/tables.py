"""Tables that several services have, for their `tables.py`: apart from what runs, which does without SQLAlchemy."""

from sqlalchemy import TIMESTAMP, Column, Index, LargeBinary, MetaData, PrimaryKeyConstraint, String, Table, Text, Uuid, func


def history_table(of: Table) -> Table:
    """What `history_of` makes; call it once all columns of the table are declared."""
    return Table(
        f"{of.name}_history",
        of.metadata,
        Column("history_id", Uuid, primary_key=True, server_default=func.uuidv7()),
        Column("changed_at", TIMESTAMP(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        Column("operation_type", Text, nullable=False),
        Column("changed_by", Uuid, nullable=False),
        Column("reason", Text),
        *(Column(column.name, column.type, nullable=column.nullable) for column in of.columns),
    )


def idempotency_table(metadata: MetaData, schema: str) -> Table:
    """What `create_idempotency_keys` makes."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("workspace_id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("operation", String(64), nullable=False),
        Column("key", String(255), nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("thing_id", Text, nullable=False),
        Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=func.now()),
        PrimaryKeyConstraint("workspace_id", "user_id", "operation", "key"),
        Index("idempotency_keys_created_at", "created_at"),
        schema=schema,
    )
