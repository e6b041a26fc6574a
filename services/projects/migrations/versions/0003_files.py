"""Files, and what they were."""

from alembic import op

from shared.database.history import history_of
from shared.database.policies import workspace_table

revision = "0003"
down_revision = "0002"

# A path is there once among the files that are not deleted; the check waits for a statement's end, since a folder's files may take each
# other's paths. Paths are in the order of their bytes, whatever the server's language.
_FILES = """
    CREATE TABLE projects.files (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        project_id uuid NOT NULL REFERENCES projects.projects (id),
        path varchar(512) COLLATE "C" NOT NULL CHECK (path <> ''),
        name varchar(255) NOT NULL CHECK (name <> ''),
        type varchar(32) NOT NULL CHECK (type IN ('CODE', 'ASSET', 'GENERATED')),
        language varchar(32),
        content text NOT NULL,
        size integer NOT NULL,
        created_by uuid NOT NULL,
        updated_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        version integer NOT NULL DEFAULT 1,
        deleted_at timestamptz,
        CONSTRAINT files_path UNIQUE NULLS NOT DISTINCT (project_id, path, deleted_at) DEFERRABLE
    );
    CREATE INDEX files_in_order ON projects.files (project_id, path) WHERE deleted_at IS NULL;
"""

# A content that stayed is not kept again, or a folder of many files would be with every rename: it is that of the next version.
_HISTORY = """
    ALTER TABLE projects.files_history ALTER COLUMN content DROP NOT NULL;
    CREATE INDEX files_history_versions ON projects.files_history (id, version);
    CREATE OR REPLACE FUNCTION projects.log_files_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = projects, pg_temp AS $body$
    DECLARE actor uuid := nullif(current_setting('app.actor', true), '')::uuid;
    BEGIN
        IF actor IS NULL THEN
            RAISE EXCEPTION 'a change of projects.files names nobody: app.actor is not set';
        END IF;
        IF TG_OP = 'UPDATE' AND NEW.content = OLD.content THEN
            OLD.content := NULL;
        END IF;
        INSERT INTO projects.files_history
            SELECT uuidv7(), clock_timestamp(), TG_OP, actor, nullif(current_setting('app.reason', true), ''), OLD.*;
        RETURN NULL;
    END
    $body$;
"""


def upgrade() -> None:
    op.execute(_FILES)
    op.execute(workspace_table("projects", "files", grants="SELECT, INSERT, UPDATE"))
    op.execute(history_of("projects", "files"))
    op.execute(_HISTORY)
    op.execute(workspace_table("projects", "files_history", grants="SELECT"))
    op.execute("CREATE INDEX files_history_of ON projects.files_history (project_id, history_id)")
