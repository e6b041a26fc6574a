"""Several workspaces: who a member of which is, who was, and who is invited."""

from alembic import op

from shared.database.history import history_of
from shared.database.policies import definer_function, workspace_table

revision = "0003"
down_revision = "0002"

_TABLES = """
    ALTER TABLE identity.workspaces
        ADD COLUMN created_by uuid REFERENCES identity.users (id),
        ADD COLUMN version bigint NOT NULL DEFAULT 1;
    CREATE TABLE identity.invitations (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL REFERENCES identity.workspaces (id),
        token_hash varchar(64) NOT NULL UNIQUE,
        email varchar(255),
        is_mailed boolean NOT NULL DEFAULT false,
        role varchar(32) NOT NULL,
        invited_by uuid NOT NULL REFERENCES identity.users (id),
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        accepted_at timestamptz,
        accepted_by uuid REFERENCES identity.users (id),
        revoked_at timestamptz,
        version bigint NOT NULL DEFAULT 1
    );
    CREATE INDEX invitations_open ON identity.invitations (workspace_id, id) WHERE accepted_at IS NULL AND revoked_at IS NULL;
"""

# In the order of their ids; what somebody is a member of is found before a workspace is known.
_WORKSPACES_OF = """
    SELECT w.id, w.name, w.is_default, w.created_at, w.updated_at, m.role, coalesce(m.custom_role, m.role) AS role_name
    FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = member AND m.workspace_id > after AND m.deleted_at IS NULL AND m.suspended_at IS NULL AND w.deleted_at IS NULL
    ORDER BY m.workspace_id LIMIT most
"""
_OWN_WORKSPACES = """TABLE (
    id uuid, name varchar, is_default boolean, created_at timestamptz, updated_at timestamptz, role varchar, role_name varchar)"""
_HOME_OF = """
    SELECT workspace_id FROM workspace_members
    WHERE user_id = member AND deleted_at IS NULL AND suspended_at IS NULL ORDER BY created_at LIMIT 1
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute("DROP INDEX identity.workspace_members_user")
    op.execute("CREATE INDEX workspace_members_user ON identity.workspace_members (user_id, workspace_id)")
    op.execute(workspace_table("identity", "invitations", grants="SELECT, INSERT, UPDATE"))
    op.execute(history_of("identity", "workspace_members"))
    op.execute(workspace_table("identity", "workspace_members_history", grants="SELECT"))
    op.execute("CREATE INDEX workspace_members_history_user ON identity.workspace_members_history (workspace_id, user_id, history_id)")
    op.execute("DROP FUNCTION identity.home_of(uuid)")
    op.execute(definer_function("identity", "home_of", "member uuid", "uuid", _HOME_OF))
    op.execute(
        definer_function(
            "identity",
            "workspaces_of",
            "member uuid, after uuid, most int",
            _OWN_WORKSPACES,
            _WORKSPACES_OF,
        )
    )
    op.execute(
        definer_function(
            "identity", "workspace_of_invitation", "hash varchar", "uuid", "SELECT workspace_id FROM invitations WHERE token_hash = hash"
        )
    )
