"""Projects, who is in them, what was before, and the outbox."""

from alembic import op

from shared.credentials import background_role, database_role
from shared.database.history import additions_of, history_of
from shared.database.idempotency import create_idempotency_keys
from shared.database.policies import workspace_table
from shared.outbox.tables import create_outbox

revision = "0001"
down_revision = None

_PROJECTS = """
    CREATE TABLE projects.projects (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        name varchar(255) NOT NULL CHECK (name <> ''),
        description text CHECK (char_length(description) <= 10000),
        thread_id uuid NOT NULL,
        created_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version integer NOT NULL DEFAULT 1,
        archived_at timestamptz,
        deleted_at timestamptz
    );
    CREATE INDEX projects_created_by ON projects.projects (created_by);
"""

_MEMBERS = """
    CREATE TABLE projects.project_members (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        project_id uuid NOT NULL REFERENCES projects.projects (id),
        user_id uuid NOT NULL,
        role varchar(32) NOT NULL CHECK (role IN ('OWNER', 'MAINTAINER', 'MEMBER')),
        name varchar(255) NOT NULL,
        workspace_role varchar(32) NOT NULL,
        joined_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version integer NOT NULL DEFAULT 1,
        deleted_at timestamptz,
        CONSTRAINT project_members_once UNIQUE (project_id, user_id)
    );
    CREATE INDEX project_members_in_order ON projects.project_members (project_id, joined_at, id) WHERE deleted_at IS NULL;
    CREATE INDEX project_members_by_user ON projects.project_members (user_id, project_id) WHERE deleted_at IS NULL;
    CREATE INDEX project_members_owners ON projects.project_members (project_id) WHERE role = 'OWNER' AND deleted_at IS NULL;
"""

# What every change in a project waits for, so that its events, numbers, places and paths are in one order. It has no history.
_HEADS = """
    CREATE TABLE projects.heads (
        project_id uuid PRIMARY KEY REFERENCES projects.projects (id),
        workspace_id uuid NOT NULL,
        last_number integer NOT NULL DEFAULT 0
    ) WITH (fillfactor = 70);
"""


def upgrade() -> None:
    for tables in (_PROJECTS, _MEMBERS, _HEADS):
        op.execute(tables)
    for table, key in (("projects", "id"), ("project_members", "project_id")):
        op.execute(workspace_table("projects", table, grants="SELECT, INSERT, UPDATE"))
        op.execute(history_of("projects", table))
        op.execute(workspace_table("projects", f"{table}_history", grants="SELECT"))
        op.execute(f"CREATE INDEX {table}_history_of ON projects.{table}_history ({key}, history_id)")
    op.execute(additions_of("projects", "project_members"))
    op.execute(workspace_table("projects", "heads", grants="SELECT, INSERT, UPDATE"))
    create_idempotency_keys(op, "projects")
    create_outbox(op, "projects")
    op.execute(f"GRANT SELECT ON projects.schema_version TO {database_role('projects')}, {background_role('projects')}")
