"""The log of administrative actions and of reads by auditors. Nothing in it is ever changed or taken out."""

from alembic import op

from shared.database.policies import workspace_table

revision = "0005"
down_revision = "0004"

_TABLE = """
    CREATE TABLE identity.audit_log (
        id uuid PRIMARY KEY,
        workspace_id uuid,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        service varchar(32) NOT NULL,
        actor_id uuid NOT NULL,
        action varchar(128) NOT NULL,
        target_kind varchar(64) NOT NULL,
        target_id uuid NOT NULL,
        reason text,
        details jsonb NOT NULL DEFAULT '{}'
    );
    CREATE INDEX audit_log_workspace ON identity.audit_log (workspace_id, at, id);
    CREATE INDEX audit_log_actor ON identity.audit_log (workspace_id, actor_id, at, id);
    CREATE INDEX audit_log_action ON identity.audit_log (workspace_id, action, at, id);
    CREATE INDEX audit_log_target ON identity.audit_log (workspace_id, target_id, at, id);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(workspace_table("identity", "audit_log", grants="SELECT, INSERT"))
