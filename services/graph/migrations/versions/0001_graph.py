"""Artifacts, the links between them, references that wait for what they mean, and the outbox."""

from alembic import op

from shared.credentials import background_role, database_role
from shared.database.history import history_of
from shared.database.idempotency import create_idempotency_keys
from shared.database.policies import workspace_table
from shared.outbox.tables import create_outbox

revision = "0001"
down_revision = None

_TYPES = "'TASK', 'FILE', 'PAGE', 'MESSAGE', 'THREAD', 'ATTACHMENT'"

# position: the place of a row's last change in the order in which the mirror gets them; none until it was given one. A row that changes
# loses it, so what has none, or one above the mirror's, is not in the mirror yet.
_ARTIFACTS = f"""
    CREATE SEQUENCE graph.positions CACHE 1;
    CREATE TABLE graph.artifacts (
        id uuid PRIMARY KEY,
        type varchar(32) NOT NULL CHECK (type IN ({_TYPES})),
        workspace_id uuid NOT NULL,
        project_id uuid,
        thread_id uuid,
        title varchar(512) NOT NULL,
        number integer,
        deleted boolean NOT NULL DEFAULT false,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now(),
        position bigint
    ) WITH (fillfactor = 85);
    CREATE INDEX artifacts_project ON graph.artifacts (project_id, id) INCLUDE (type, workspace_id)
        WHERE project_id IS NOT NULL AND NOT deleted;
    CREATE INDEX artifacts_thread ON graph.artifacts (thread_id, id) WHERE thread_id IS NOT NULL AND NOT deleted;
    CREATE INDEX artifacts_number ON graph.artifacts (project_id, number) WHERE number IS NOT NULL;
    CREATE INDEX artifacts_workspace ON graph.artifacts (workspace_id, id DESC) WHERE NOT deleted;
    CREATE INDEX artifacts_position ON graph.artifacts (position) WHERE position IS NOT NULL;
    CREATE INDEX artifacts_unplaced ON graph.artifacts (id) WHERE position IS NULL;
"""

# derived: what a link comes from, where nobody made it: it comes and goes with that.
# Pages are read in the order of an index that has the workspace in it: PostgreSQL does not know that a project is of one workspace, so
# with many of them it expects row-level security to leave next to nothing of any project, and would sort all of it for each page.
_LINKS = f"""
    CREATE TABLE graph.artifact_links (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        project_id uuid,
        thread_id uuid,
        source_type varchar(32) NOT NULL CHECK (source_type IN ({_TYPES})),
        source_id uuid NOT NULL,
        target_type varchar(32) NOT NULL CHECK (target_type IN ({_TYPES})),
        target_id uuid NOT NULL,
        type varchar(32) NOT NULL CHECK (type IN ('LINKED_TO', 'TASK_FILE', 'TASK_PAGE', 'TASK_MESSAGE')),
        derived varchar(16) CHECK (derived IN ('reply', 'attachment', 'reference', 'page')),
        created_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        version integer NOT NULL DEFAULT 1,
        position bigint,
        CHECK (source_id <> target_id),
        CHECK (derived IS NOT NULL OR (project_id IS NULL) <> (thread_id IS NULL))
    ) WITH (fillfactor = 85);
    CREATE UNIQUE INDEX artifact_links_made ON graph.artifact_links (source_id, target_id, coalesce(project_id, thread_id))
        WHERE derived IS NULL AND deleted_at IS NULL;
    CREATE UNIQUE INDEX artifact_links_derived ON graph.artifact_links (source_id, target_id, derived)
        WHERE derived IS NOT NULL AND deleted_at IS NULL;
    CREATE INDEX artifact_links_source ON graph.artifact_links (source_id, target_id) WHERE deleted_at IS NULL;
    CREATE INDEX artifact_links_target ON graph.artifact_links (target_id, source_id) WHERE deleted_at IS NULL;
    CREATE INDEX idx_links_project ON graph.artifact_links (project_id, workspace_id, id)
        WHERE project_id IS NOT NULL AND deleted_at IS NULL;
    CREATE INDEX idx_links_source ON graph.artifact_links (project_id, source_type, source_id) WHERE project_id IS NOT NULL;
    CREATE INDEX idx_links_target ON graph.artifact_links (project_id, target_type, target_id) WHERE project_id IS NOT NULL;
    CREATE INDEX artifact_links_thread ON graph.artifact_links (thread_id, workspace_id, id)
        WHERE thread_id IS NOT NULL AND deleted_at IS NULL;
    CREATE INDEX artifact_links_position ON graph.artifact_links (position) WHERE position IS NOT NULL;
    CREATE INDEX artifact_links_unplaced ON graph.artifact_links (id) WHERE position IS NULL;
"""

# A task's number says which task it is once the thread's project is known, and the task is there. ended: nothing is left of what was said
# in the thread of a deleted project.
_MENTIONS = """
    CREATE TABLE graph.task_mentions (
        message_id uuid NOT NULL,
        number integer NOT NULL,
        workspace_id uuid NOT NULL,
        thread_id uuid NOT NULL,
        author_id uuid NOT NULL,
        PRIMARY KEY (message_id, number)
    );
    CREATE INDEX task_mentions_thread ON graph.task_mentions (thread_id, number);
    CREATE TABLE graph.project_threads (
        thread_id uuid PRIMARY KEY,
        project_id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        deleted boolean NOT NULL DEFAULT false,
        ended boolean NOT NULL DEFAULT false
    );
    CREATE INDEX project_threads_project ON graph.project_threads (project_id);
    CREATE INDEX project_threads_ending ON graph.project_threads (thread_id) WHERE deleted AND NOT ended;
    CREATE TABLE graph.fills (
        owner text PRIMARY KEY,
        after uuid,
        artifacts bigint NOT NULL DEFAULT 0,
        filled_at timestamptz
    );
"""


def upgrade() -> None:
    for tables in (_ARTIFACTS, _LINKS, _MENTIONS):
        op.execute(tables)
    op.execute(workspace_table("graph", "artifacts", grants="SELECT, INSERT, UPDATE"))
    op.execute(workspace_table("graph", "artifact_links", grants="SELECT, INSERT, UPDATE"))
    op.execute(workspace_table("graph", "task_mentions"))
    op.execute(workspace_table("graph", "project_threads"))
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON graph.fills TO {background_role('graph')}")
    op.execute(f"GRANT USAGE ON SEQUENCE graph.positions TO {background_role('graph')}")
    op.execute(history_of("graph", "artifact_links", without=["position"]))
    op.execute(workspace_table("graph", "artifact_links_history", grants="SELECT"))
    create_outbox(op, "graph")
    create_idempotency_keys(op, "graph")
    op.execute(f"GRANT SELECT ON graph.schema_version TO {database_role('graph')}, {background_role('graph')}")
