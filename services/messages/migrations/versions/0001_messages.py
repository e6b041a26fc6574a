"""Messages, the heads of their threads, their keys, and the outbox."""

from alembic import op

from shared.credentials import background_role, database_role
from shared.database.policies import workspace_table
from shared.outbox.tables import create_outbox

revision = "0001"
down_revision = None

# The months are read with messages' own id: its time is the row's, so an id prunes to one partition.
_TABLES = """
    CREATE TABLE messages.heads (
        thread_id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        last_seq bigint NOT NULL DEFAULT 0,
        last_sub_seq integer NOT NULL DEFAULT 0,
        last_at timestamptz NOT NULL DEFAULT 'epoch'
    ) WITH (fillfactor = 50);
    CREATE TABLE messages.message_keys (
        thread_id uuid NOT NULL,
        author_id uuid NOT NULL,
        key varchar(64) NOT NULL,
        workspace_id uuid NOT NULL,
        digest bytea NOT NULL,
        message_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (thread_id, author_id, key)
    );
    CREATE INDEX message_keys_created_at ON messages.message_keys USING brin (created_at);
    CREATE TABLE messages.messages (
        id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        seq bigint NOT NULL,
        sub_seq integer NOT NULL,
        author_id uuid,
        author_role varchar(32) NOT NULL,
        author_name varchar(255),
        channel varchar(32) NOT NULL CHECK (channel IN ('in-app', 'whatsapp', 'email', 'sms', 'call', 'note')),
        message_type varchar(32) NOT NULL,
        content text NOT NULL,
        content_metadata jsonb NOT NULL,
        reply_to uuid,
        metadata jsonb NOT NULL,
        delivery_status varchar(32) NOT NULL,
        client_message_id varchar(64),
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        edited_at timestamptz,
        deleted_at timestamptz,
        PRIMARY KEY (id, created_at),
        CHECK ((channel = 'note') = (sub_seq > 0))
    ) PARTITION BY RANGE (created_at);
    CREATE UNIQUE INDEX messages_thread_id_created_at ON messages.messages (thread_id, created_at DESC);
"""

# Partitions belong to the owner, and nobody is granted anything on them: rows are reached through the parent and its policies alone.
_MAKE_PARTITION = f"""
    CREATE FUNCTION messages.make_partition(month date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = messages, pg_temp AS $body$
    DECLARE
        first timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
        next timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
        name text := 'messages_' || to_char(month, 'YYYY_MM');
    BEGIN
        IF to_regclass('messages.' || name) IS NOT NULL THEN
            RETURN false;
        END IF;
        EXECUTE format('CREATE TABLE messages.%I PARTITION OF messages.messages FOR VALUES FROM (%L) TO (%L)', name, first, next);
        RETURN true;
    EXCEPTION WHEN duplicate_table THEN
        RETURN false;
    END $body$;
    REVOKE ALL ON FUNCTION messages.make_partition(date) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION messages.make_partition(date) TO {background_role("messages")};
"""


def upgrade() -> None:
    op.execute(_TABLES)
    for table in ("heads", "message_keys", "messages"):
        op.execute(workspace_table("messages", table, grants="SELECT, INSERT, UPDATE"))
    op.execute(f"GRANT DELETE ON messages.message_keys TO {background_role('messages')}")
    op.execute(_MAKE_PARTITION)
    create_outbox(op, "messages")
    op.execute(f"GRANT SELECT ON messages.schema_version TO {database_role('messages')}, {background_role('messages')}")
