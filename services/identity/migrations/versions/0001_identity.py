"""Users, their sessions, the default workspace and its members, the keys that tokens are signed with, and the outbox."""

from alembic import op

from shared.credentials import background_role, database_role
from shared.database.policies import WORKSPACE, definer_function, installation_table, workspace_table
from shared.outbox.tables import create_outbox

revision = "0001"
down_revision = None

_TABLES = """
    CREATE TABLE identity.users (
        id uuid NOT NULL,
        username varchar NOT NULL,
        first_name varchar NOT NULL,
        last_name varchar NOT NULL,
        name varchar(255) NOT NULL,
        email varchar(255) NOT NULL,
        password_hash varchar(255) NOT NULL,
        display_name varchar,
        avatar_url varchar(512),
        current_status varchar NOT NULL DEFAULT 'offline',
        last_seen_at timestamptz,
        chat_preferences jsonb NOT NULL DEFAULT '{}',
        account_type_informal varchar(32) NOT NULL DEFAULT 'guest',
        current_account_status varchar(32) NOT NULL DEFAULT 'pending-verification'
            CHECK (current_account_status IN ('pending-verification', 'active', 'suspended', 'deactivated')),
        is_email_verified boolean NOT NULL DEFAULT false,
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        CONSTRAINT pk_users PRIMARY KEY (id),
        CONSTRAINT uq_users_username UNIQUE (username),
        CONSTRAINT uq_users_email UNIQUE (email)
    );
    CREATE INDEX idx_users_status_last_seen ON identity.users (current_status, last_seen_at);
    CREATE TABLE identity.workspaces (
        id uuid PRIMARY KEY,
        name varchar(255) NOT NULL,
        is_default boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz
    );
    CREATE UNIQUE INDEX workspaces_default ON identity.workspaces (is_default) WHERE is_default;
    CREATE TABLE identity.workspace_members (
        workspace_id uuid NOT NULL REFERENCES identity.workspaces (id),
        user_id uuid NOT NULL REFERENCES identity.users (id),
        role varchar(32) NOT NULL CHECK (role IN ('admin', 'agent', 'productOwner', 'client', 'guest', 'system')),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        PRIMARY KEY (workspace_id, user_id)
    );
    CREATE INDEX workspace_members_user ON identity.workspace_members (user_id);
    CREATE TABLE identity.user_sessions (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES identity.users (id),
        workspace_id uuid NOT NULL REFERENCES identity.workspaces (id),
        token_hash varchar(255) NOT NULL,
        previous_token_hash varchar(255),
        refresh_generation integer NOT NULL DEFAULT 0,
        rotated_at timestamptz NOT NULL DEFAULT now(),
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        end_reason varchar(32),
        CHECK ((ended_at IS NULL) = (end_reason IS NULL))
    );
    CREATE INDEX idx_sessions_user ON identity.user_sessions (user_id);
    CREATE INDEX idx_sessions_token_hash ON identity.user_sessions (token_hash);
    CREATE TABLE identity.signing_keys (
        id text PRIMARY KEY,
        purpose varchar(32) NOT NULL CHECK (purpose IN ('access', 'refresh')),
        key text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        retired_at timestamptz
    );
    CREATE UNIQUE INDEX signing_keys_current ON identity.signing_keys (purpose) WHERE retired_at IS NULL;
    INSERT INTO identity.workspaces (id, name, is_default) VALUES (uuidv7(), 'Atrium', true);
"""

# Each lookup is by a primary key: LIMIT keeps the planner from joining whole tables, and what it learnt of small ones must not last.
_AUTHORIZE = """
    SELECT asked.place::int, found.name, found.email, found.is_email_verified, found.role
    FROM unnest(session_ids, user_ids, workspace_ids) WITH ORDINALITY AS asked (session_id, user_id, workspace_id, place)
    CROSS JOIN LATERAL (
        SELECT u.name, u.email, u.is_email_verified, m.role
        FROM user_sessions s
        JOIN users u ON u.id = s.user_id
        JOIN workspace_members m ON m.user_id = u.id AND m.workspace_id = asked.workspace_id
        WHERE s.id = asked.session_id AND s.user_id = asked.user_id AND s.ended_at IS NULL AND s.expires_at > now()
            AND u.current_account_status IN ('active', 'pending-verification') AND u.deleted_at IS NULL AND m.deleted_at IS NULL
        LIMIT 1
    ) AS found
"""
_INDEXES_ALONE = "ALTER FUNCTION identity.authorize(uuid[], uuid[], uuid[]) SET enable_seqscan = off"


def upgrade() -> None:
    own, background = database_role("identity"), background_role("identity")
    op.execute(_TABLES)
    for table in ("users", "user_sessions"):
        op.execute(installation_table("identity", table, grants="SELECT, INSERT, UPDATE"))
    op.execute(workspace_table("identity", "workspace_members", grants="SELECT, INSERT, UPDATE"))
    op.execute(f"""
        ALTER TABLE identity.workspaces ENABLE ROW LEVEL SECURITY;
        CREATE POLICY workspace ON identity.workspaces TO {own} USING (id = {WORKSPACE}) WITH CHECK (id = {WORKSPACE});
        CREATE POLICY background ON identity.workspaces TO {background} USING (true) WITH CHECK (true);
        GRANT SELECT, INSERT, UPDATE ON identity.workspaces TO {own}, {background};
        GRANT SELECT, INSERT ON identity.signing_keys TO {own};
    """)
    op.execute(
        definer_function(
            "identity",
            "authorize",
            "session_ids uuid[], user_ids uuid[], workspace_ids uuid[]",
            "TABLE (place int, name varchar, email varchar, is_email_verified boolean, role varchar)",
            _AUTHORIZE,
        )
    )
    op.execute(_INDEXES_ALONE)
    op.execute(
        definer_function(
            "identity",
            "home_of",
            "member uuid",
            "uuid",
            "SELECT workspace_id FROM workspace_members WHERE user_id = member AND deleted_at IS NULL ORDER BY created_at LIMIT 1",
        )
    )
    op.execute(definer_function("identity", "default_workspace", "", "uuid", "SELECT id FROM workspaces WHERE is_default"))
    create_outbox(op, "identity")
    op.execute(f"GRANT SELECT ON identity.schema_version TO {own}, {background}")
