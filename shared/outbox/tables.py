"""The three tables that every storing service has beside its own: what it says, what it has heard, what it could not take."""

from typing import Protocol

from sqlalchemy import TIMESTAMP, BigInteger, Column, Identity, Index, Integer, MetaData, Table, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB

from shared.credentials import background_role
from shared.database.policies import workspace_table

_MOMENT = TIMESTAMP(timezone=True)


def outbox_tables(metadata: MetaData, schema: str) -> tuple[Table, Table, Table]:
    """outbox, inbox and parked, for a service's `tables.py`."""
    return _outbox(metadata, schema), _inbox(metadata, schema), _parked(metadata, schema)


def _outbox(metadata: MetaData, schema: str) -> Table:
    outbox = Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False),
        Column("workspace_id", Uuid),
        Column("subject", Text, nullable=False),
        Column("data", Text, nullable=False),
        Column("trace", Text, nullable=False),
        Column("occurred_at", _MOMENT, nullable=False, server_default=func.clock_timestamp()),
        Column("published_at", _MOMENT),
        Column("stream_seq", BigInteger),
        schema=schema,
    )
    Index("outbox_unpublished", outbox.c.id, postgresql_where=text("published_at IS NULL"))
    Index("outbox_stream_seq", outbox.c.stream_seq, postgresql_where=text("stream_seq IS NOT NULL"))
    return outbox


def _inbox(metadata: MetaData, schema: str) -> Table:
    inbox = Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("applied_at", _MOMENT, nullable=False, server_default=func.now()),
        schema=schema,
    )
    Index("inbox_applied_at", inbox.c.applied_at)
    return inbox


def _parked(metadata: MetaData, schema: str) -> Table:
    parked = Table(
        "parked",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("consumer", Text, nullable=False),
        Column("event_id", Uuid),
        Column("subject", Text, nullable=False),
        Column("data", Text, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("error", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("parked_at", _MOMENT, nullable=False, server_default=func.now()),
        Column("retry_at", _MOMENT),
        schema=schema,
    )
    Index("parked_event", parked.c.consumer, parked.c.event_id, unique=True)
    return parked


class Executes(Protocol):
    """Alembic's operations."""

    def execute(self, sqltext: str, /) -> object: ...


def create_outbox(op: Executes, service: str) -> None:
    """For a service's first migration. Requests may only add to the outbox; all else is the background role's."""
    op.execute(_TABLES.format(service=service))
    op.execute(workspace_table(service, "outbox", grants="INSERT", shared_rows=True))
    op.execute(f"GRANT SELECT, UPDATE, DELETE ON {service}.outbox TO {background_role(service)}")
    for table in ("inbox", "parked"):
        op.execute(f"""
            ALTER TABLE {service}.{table} ENABLE ROW LEVEL SECURITY;
            CREATE POLICY background ON {service}.{table} TO {background_role(service)} USING (true) WITH CHECK (true);
            GRANT SELECT, INSERT, UPDATE, DELETE ON {service}.{table} TO {background_role(service)};
        """)


# Rows are only ever added at one end and deleted at the other, and updated once. Statistics of a queue that was empty when they were
# taken make the planner sort all of it, so they are refreshed by inserts early on.
_TABLES = """
    CREATE TABLE {service}.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id uuid NOT NULL,
        workspace_id uuid,
        subject text NOT NULL,
        data text NOT NULL,
        trace text NOT NULL,
        occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        published_at timestamptz,
        stream_seq bigint
    ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
    CREATE INDEX outbox_unpublished ON {service}.outbox (id) WHERE published_at IS NULL;
    CREATE INDEX outbox_stream_seq ON {service}.outbox (stream_seq) WHERE stream_seq IS NOT NULL;
    CREATE TABLE {service}.inbox (
        consumer text NOT NULL,
        event_id uuid NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (consumer, event_id)
    );
    CREATE INDEX inbox_applied_at ON {service}.inbox (applied_at);
    CREATE TABLE {service}.parked (
        id uuid PRIMARY KEY,
        consumer text NOT NULL,
        event_id uuid,
        subject text NOT NULL,
        data text NOT NULL,
        headers jsonb NOT NULL,
        error text NOT NULL,
        tries integer NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now(),
        retry_at timestamptz
    );
    CREATE UNIQUE INDEX parked_event ON {service}.parked (consumer, event_id);
"""
