"""Pages."""

from alembic import op

from shared.database.history import history_of
from shared.database.policies import workspace_table

revision = "0004"
down_revision = "0003"

_PAGES = """
    CREATE TABLE projects.pages (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        project_id uuid NOT NULL REFERENCES projects.projects (id),
        name varchar(255) NOT NULL CHECK (name <> ''),
        route varchar(255) COLLATE "C" NOT NULL CHECK (route <> ''),
        structure jsonb NOT NULL CHECK (jsonb_typeof(structure) = 'object'),
        linked_file_id uuid REFERENCES projects.files (id),
        created_by uuid NOT NULL,
        updated_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version integer NOT NULL DEFAULT 1,
        deleted_at timestamptz,
        CONSTRAINT pages_route UNIQUE NULLS NOT DISTINCT (project_id, route, deleted_at)
    );
    CREATE INDEX pages_in_order ON projects.pages (project_id, route) WHERE deleted_at IS NULL;
    CREATE INDEX pages_linked_file ON projects.pages (linked_file_id) WHERE linked_file_id IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(_PAGES)
    op.execute(workspace_table("projects", "pages", grants="SELECT, INSERT, UPDATE"))
    op.execute(history_of("projects", "pages"))
    op.execute(workspace_table("projects", "pages_history", grants="SELECT"))
    op.execute("CREATE INDEX pages_history_of ON projects.pages_history (project_id, history_id)")
