"""Messages with all of spec 2's columns, what they were before, and how far each reader has read."""

from alembic import op

from shared.database.history import history_of
from shared.database.policies import workspace_table

revision = "0002"
down_revision = "0001"

# `hidden_from`: 0 nobody, 1 those who see no notes, 2 guests. The index of a thread's messages carries what unread ones are counted by
# (the workspace for the policy's sake), so that counting reads the index alone.
_MESSAGES = """
    ALTER TABLE messages.messages
        ADD hidden_from smallint NOT NULL DEFAULT 0,
        ADD root_id uuid,
        ADD mentions uuid[],
        ADD robot_id varchar(64),
        ADD robot_response_to uuid,
        ADD is_robot_visible_to_guests boolean NOT NULL DEFAULT false,
        ADD posted_by uuid,
        ADD author_contact varchar(255),
        DROP CONSTRAINT messages_check;
    UPDATE messages.messages SET hidden_from = 1 WHERE channel = 'note';
    ALTER TABLE messages.messages
        ADD CHECK ((hidden_from > 0) = (sub_seq > 0)),
        ADD CHECK ((hidden_from = 1) = (channel = 'note')),
        ADD CHECK (message_type IN ('chat', 'robot', 'system', 'file', 'image', 'graph')),
        ADD CHECK (delivery_status IN ('streaming', 'batch-delay', 'delivered', 'failed'));
    DROP INDEX messages.messages_thread_id_created_at;
    CREATE UNIQUE INDEX messages_thread_id_created_at ON messages.messages (thread_id, created_at DESC)
        INCLUDE (workspace_id, author_id, hidden_from, deleted_at);
    CREATE INDEX messages_author_id_created_at ON messages.messages (author_id, created_at DESC);
    CREATE INDEX messages_thread_id_message_type_created_at ON messages.messages (thread_id, message_type, created_at DESC)
        WHERE deleted_at IS NULL AND message_type <> 'chat';
    CREATE INDEX messages_thread_id_updated_at ON messages.messages (thread_id, updated_at DESC)
        INCLUDE (workspace_id, hidden_from, created_at) WHERE version > 1;
    CREATE INDEX messages_root_id_created_at ON messages.messages (root_id, created_at) WHERE root_id IS NOT NULL;
"""

# When a thread's messages last changed, by who sees them: those who poll go on from there, so no later change has an earlier time.
_READERS = """
    ALTER TABLE messages.heads
        ADD changed_at timestamptz,
        ADD notes_changed_at timestamptz,
        ADD guarded_changed_at timestamptz;
    CREATE TABLE messages.mentions (
        user_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        workspace_id uuid NOT NULL,
        hidden_from smallint NOT NULL,
        PRIMARY KEY (user_id, thread_id, created_at) INCLUDE (workspace_id, hidden_from)
    );
    CREATE TABLE messages.read_receipts (
        id uuid NOT NULL DEFAULT uuidv7(),
        workspace_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        user_id uuid NOT NULL,
        user_role varchar(32) NOT NULL,
        user_name varchar(255),
        last_read_message_id uuid,
        last_read_at timestamptz,
        read_up_to timestamptz,
        last_delivered_message_id uuid,
        last_delivered_at timestamptz,
        delivered_up_to timestamptz,
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (thread_id, user_id),
        CHECK ((last_read_message_id IS NULL) OR (read_up_to IS NOT NULL AND last_read_at IS NOT NULL))
    ) WITH (fillfactor = 70);
"""


def upgrade() -> None:
    op.execute(_MESSAGES)
    op.execute(history_of("messages", "messages"))
    op.execute("CREATE INDEX messages_history_id ON messages.messages_history (id, history_id)")
    op.execute(workspace_table("messages", "messages_history", grants="SELECT"))
    op.execute(_READERS)
    for table in ("mentions", "read_receipts"):
        op.execute(workspace_table("messages", table, grants="SELECT, INSERT, UPDATE, DELETE"))
