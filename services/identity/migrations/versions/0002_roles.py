"""Roles that workspaces make themselves, the domains of permissions, and members who are suspended."""

from alembic import op

from shared.database.policies import definer_function, installation_table, workspace_table

revision = "0002"
down_revision = "0001"

# `role` says who somebody is (spec 1's author roles); `custom_role` names what grants them what they may do, where it is no built-in role.
_TABLES = """
    CREATE TABLE identity.access_permission_domains (
        permission_prefix varchar(64) PRIMARY KEY,
        description varchar(255) NOT NULL
    );
    INSERT INTO identity.access_permission_domains (permission_prefix, description) VALUES
        ('chat:room', 'Chat room management permissions'),
        ('chat:message', 'Message sending and viewing permissions'),
        ('chat:robot', 'Robot interaction permissions'),
        ('chat:file', 'File upload and sharing permissions'),
        ('chat:escalation', 'Escalation management permissions'),
        ('supervisor:chat', 'Supervisor monitoring permissions'),
        ('identity', 'Accounts, roles and service accounts'),
        ('workspace', 'Workspaces and their members'),
        ('audit', 'What admins and auditors did, and what was before'),
        ('project', 'Projects, tasks, files and pages'),
        ('graph', 'Links between artifacts');
    CREATE TABLE identity.roles (
        workspace_id uuid NOT NULL REFERENCES identity.workspaces (id),
        name varchar(32) NOT NULL,
        id uuid NOT NULL UNIQUE,
        description varchar(255) NOT NULL DEFAULT '',
        base_role varchar(32) NOT NULL CHECK (base_role IN ('admin', 'agent', 'productOwner', 'client', 'guest')),
        permissions text[] NOT NULL,
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (workspace_id, name)
    );
    ALTER TABLE identity.workspace_members
        ADD COLUMN custom_role varchar(32),
        ADD COLUMN suspended_at timestamptz,
        ADD FOREIGN KEY (workspace_id, custom_role) REFERENCES identity.roles (workspace_id, name);
    CREATE INDEX workspace_members_custom_role ON identity.workspace_members (workspace_id, custom_role) WHERE custom_role IS NOT NULL;
"""

# Each lookup is by a primary key: LIMIT keeps the planner from joining whole tables, and what it learnt of small ones must not last.
# `permissions` is null for the built-in roles, whose grants are in the code: for them nothing more is looked at than before.
_AUTHORIZE = """
    SELECT asked.place::int, found.name, found.email, found.is_email_verified, found.role, found.permissions
    FROM unnest(session_ids, user_ids, workspace_ids) WITH ORDINALITY AS asked (session_id, user_id, workspace_id, place)
    CROSS JOIN LATERAL (
        SELECT u.name, u.email, u.is_email_verified, m.role, CASE WHEN m.custom_role IS NOT NULL THEN (
            SELECT r.permissions FROM roles r WHERE r.workspace_id = m.workspace_id AND r.name = m.custom_role
        ) END AS permissions
        FROM user_sessions s
        JOIN users u ON u.id = s.user_id
        JOIN workspace_members m ON m.user_id = u.id AND m.workspace_id = asked.workspace_id
        WHERE s.id = asked.session_id AND s.user_id = asked.user_id AND s.ended_at IS NULL AND s.expires_at > now()
            AND u.current_account_status IN ('active', 'pending-verification') AND u.deleted_at IS NULL
            AND m.deleted_at IS NULL AND m.suspended_at IS NULL
        LIMIT 1
    ) AS found
"""
_INDEXES_ALONE = "ALTER FUNCTION identity.authorize(uuid[], uuid[], uuid[]) SET enable_seqscan = off"


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(installation_table("identity", "access_permission_domains", grants="SELECT"))
    op.execute(workspace_table("identity", "roles"))
    op.execute("DROP FUNCTION identity.authorize(uuid[], uuid[], uuid[])")
    op.execute(
        definer_function(
            "identity",
            "authorize",
            "session_ids uuid[], user_ids uuid[], workspace_ids uuid[]",
            "TABLE (place int, name varchar, email varchar, is_email_verified boolean, role varchar, permissions text[])",
            _AUTHORIZE,
        )
    )
    op.execute(_INDEXES_ALONE)
