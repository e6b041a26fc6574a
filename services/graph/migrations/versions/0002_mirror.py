"""Which mirror is this graph's, and what it could not take."""

from alembic import op

from shared.credentials import background_role

revision = "0002"
down_revision = "0001"

# id: a mirror says whose it is, so that no other graph's is written into or wiped.
_TABLES = """
    CREATE TABLE graph.mirror (
        id uuid PRIMARY KEY DEFAULT uuidv7(),
        made_at timestamptz NOT NULL DEFAULT now(),
        alone boolean NOT NULL DEFAULT true UNIQUE CHECK (alone)
    );
    INSERT INTO graph.mirror DEFAULT VALUES;
    CREATE TABLE graph.unmirrored (
        id uuid PRIMARY KEY,
        kind varchar(16) NOT NULL CHECK (kind IN ('artifact', 'link')),
        position bigint NOT NULL,
        error text NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT now()
    );
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(f"GRANT SELECT ON graph.mirror TO {background_role('graph')}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON graph.unmirrored TO {background_role('graph')}")
