"""Threads, who takes part in them, what happens in them, and the outbox."""

from alembic import op

from shared.credentials import background_role, database_role
from shared.database.policies import workspace_table
from shared.outbox.tables import create_outbox

revision = "0001"
down_revision = None

_THREADS = """
    CREATE TABLE threads.threads (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        kind varchar(16) NOT NULL CHECK (kind IN ('booking', 'group', 'support')),
        booking_id varchar(64),
        ref varchar(32),
        title varchar(255) NOT NULL CHECK (title <> ''),
        client_name varchar(255),
        status varchar(32) NOT NULL DEFAULT 'Draft' CHECK (status IN ('Draft', 'Confirmed', 'Completed', 'Cancelled')),
        state varchar(16) NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'closed', 'archived')),
        description text CHECK (char_length(description) <= 10000),
        issue_id varchar(255),
        issue_description text CHECK (char_length(issue_description) <= 10000),
        is_private boolean NOT NULL DEFAULT false,
        guest_access_allowed boolean NOT NULL DEFAULT true,
        max_participants integer NOT NULL DEFAULT 50 CHECK (max_participants BETWEEN 1 AND 100000),
        creator_id uuid NOT NULL,
        parent_thread_id uuid REFERENCES threads.threads (id),
        escalation_level integer NOT NULL DEFAULT 1 CHECK (escalation_level >= 1),
        settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
        version integer NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        archived_at timestamptz,
        deleted_at timestamptz,
        CONSTRAINT threads_booking UNIQUE (workspace_id, booking_id),
        CHECK ((kind = 'booking') = (booking_id IS NOT NULL)),
        CHECK ((state = 'archived') = (archived_at IS NOT NULL))
    );
    CREATE INDEX threads_ref ON threads.threads (workspace_id, ref);
    CREATE INDEX threads_counted ON threads.threads (workspace_id, state, status, is_private) INCLUDE (id) WHERE deleted_at IS NULL;
    CREATE INDEX threads_parent ON threads.threads (parent_thread_id) WHERE parent_thread_id IS NOT NULL;
"""

_PARTICIPANTS = """
    CREATE TABLE threads.participants (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        thread_id uuid NOT NULL REFERENCES threads.threads (id),
        user_id uuid,
        role varchar(32) NOT NULL,
        participant_role varchar(16) NOT NULL DEFAULT 'member'
            CHECK (participant_role IN ('member', 'moderator', 'observer', 'guest')),
        status varchar(16) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'muted', 'removed', 'left')),
        name varchar(255),
        contact varchar(255),
        contact_key text,
        version integer NOT NULL DEFAULT 1,
        joined_at timestamptz NOT NULL DEFAULT now(),
        left_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CHECK ((status IN ('removed', 'left')) = (left_at IS NOT NULL)),
        CHECK ((contact IS NULL) = (contact_key IS NULL))
    );
    CREATE UNIQUE INDEX participants_user ON threads.participants (thread_id, user_id) WHERE user_id IS NOT NULL;
    CREATE UNIQUE INDEX participants_contact ON threads.participants (thread_id, contact_key) WHERE left_at IS NULL;
    CREATE INDEX participants_in_order ON threads.participants (thread_id, joined_at, id) WHERE left_at IS NULL;
    CREATE INDEX participants_by_user ON threads.participants (workspace_id, user_id, thread_id) WHERE left_at IS NULL;
    CREATE INDEX participants_by_contact ON threads.participants (workspace_id, contact_key, thread_id) WHERE left_at IS NULL;
"""

# It moves with every post, so it has no history and few indexes; `archived` is here so that one of them gives both lists in their order.
_ACTIVITY = """
    CREATE TABLE threads.activity (
        thread_id uuid PRIMARY KEY REFERENCES threads.threads (id),
        workspace_id uuid NOT NULL,
        archived boolean NOT NULL DEFAULT false,
        at timestamptz NOT NULL DEFAULT now(),
        participant_count integer NOT NULL DEFAULT 0,
        last_seq bigint NOT NULL DEFAULT 0,
        last_version integer NOT NULL DEFAULT 0,
        last_message_id uuid,
        last_message_author varchar(255),
        last_message_preview text CHECK (char_length(last_message_preview) <= 200),
        last_message_at timestamptz
    ) WITH (fillfactor = 70);
    CREATE INDEX activity_newest ON threads.activity (workspace_id, archived, at DESC, thread_id DESC);
"""


def upgrade() -> None:
    for tables in (_THREADS, _PARTICIPANTS, _ACTIVITY):
        op.execute(tables)
    for table in ("threads", "participants", "activity"):
        op.execute(workspace_table("threads", table, grants="SELECT, INSERT, UPDATE"))
    create_outbox(op, "threads")
    op.execute(f"GRANT SELECT ON threads.schema_version TO {database_role('threads')}, {background_role('threads')}")
