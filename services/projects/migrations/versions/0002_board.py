"""The board: columns, and tasks in them."""

from alembic import op

from shared.database.history import history_of
from shared.database.policies import workspace_table

revision = "0002"
down_revision = "0001"

_COLUMNS = """
    CREATE TABLE projects.task_columns (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        project_id uuid NOT NULL REFERENCES projects.projects (id),
        name varchar(64) NOT NULL CHECK (name <> ''),
        status varchar(32) NOT NULL CHECK (status IN ('TODO', 'IN_PROGRESS', 'DONE')),
        position integer NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version integer NOT NULL DEFAULT 1,
        deleted_at timestamptz
    );
    CREATE INDEX task_columns_in_order ON projects.task_columns (project_id, position);
"""

# The order of a column's tasks is theirs of (position, id): between any two there is room, and where it ends all get new positions.
_TASKS = """
    CREATE TABLE projects.tasks (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        project_id uuid NOT NULL REFERENCES projects.projects (id),
        number integer NOT NULL,
        column_id uuid NOT NULL REFERENCES projects.task_columns (id),
        title varchar(255) NOT NULL CHECK (title <> ''),
        description text CHECK (char_length(description) <= 20000),
        status varchar(32) NOT NULL CHECK (status IN ('TODO', 'IN_PROGRESS', 'DONE')),
        assignee_id uuid,
        due_date date,
        priority varchar(32) CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH')),
        position bigint NOT NULL,
        created_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version integer NOT NULL DEFAULT 1,
        deleted_at timestamptz,
        CONSTRAINT tasks_number UNIQUE (project_id, number)
    );
    CREATE INDEX tasks_in_order ON projects.tasks (project_id, column_id, position) WHERE deleted_at IS NULL;
    CREATE INDEX tasks_assignee ON projects.tasks (assignee_id) WHERE assignee_id IS NOT NULL;
"""


def upgrade() -> None:
    for tables in (_COLUMNS, _TASKS):
        op.execute(tables)
    for table in ("task_columns", "tasks"):
        op.execute(workspace_table("projects", table, grants="SELECT, INSERT, UPDATE"))
        op.execute(history_of("projects", table, without=["position"]))
        op.execute(workspace_table("projects", f"{table}_history", grants="SELECT"))
        op.execute(f"CREATE INDEX {table}_history_of ON projects.{table}_history (project_id, history_id)")
