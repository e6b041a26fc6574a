"""Threads of projects: each project has one, which is as the project says."""

from alembic import op

revision = "0014"
down_revision = "0013"

# project_version: of the project, or of the membership, that a row was last told of. An event that is older changes nothing.
_THREADS = """
    ALTER TABLE threads.threads
        DROP CONSTRAINT threads_kind_check,
        ADD CONSTRAINT threads_kind_check CHECK (kind IN ('booking', 'group', 'direct', 'support', 'escalated', 'assistant', 'project')),
        ADD COLUMN project_id uuid,
        ADD COLUMN project_version integer,
        ADD CONSTRAINT threads_project UNIQUE (workspace_id, project_id),
        ADD CONSTRAINT threads_project_check CHECK ((kind = 'project') = (project_id IS NOT NULL));
    ALTER TABLE threads.threads_history ADD COLUMN project_id uuid, ADD COLUMN project_version integer;
    ALTER TABLE threads.participants ADD COLUMN project_version integer;
    ALTER TABLE threads.participants_history ADD COLUMN project_version integer;
"""


def upgrade() -> None:
    op.execute(_THREADS)
