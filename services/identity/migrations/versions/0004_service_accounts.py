"""Service accounts and their tokens."""

from alembic import op

from shared.database.policies import definer_function, workspace_table

revision = "0004"
down_revision = "0003"

_TABLES = """
    CREATE TABLE identity.service_accounts (
        id uuid PRIMARY KEY REFERENCES identity.users (id),
        workspace_id uuid NOT NULL REFERENCES identity.workspaces (id),
        description varchar(500) NOT NULL DEFAULT '',
        created_by uuid NOT NULL REFERENCES identity.users (id),
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz
    );
    CREATE INDEX service_accounts_workspace ON identity.service_accounts (workspace_id, id) WHERE deleted_at IS NULL;
    CREATE TABLE identity.service_tokens (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL REFERENCES identity.workspaces (id),
        account_id uuid NOT NULL REFERENCES identity.service_accounts (id),
        name varchar(100) NOT NULL,
        token_hash varchar(64) NOT NULL,
        scopes text[] NOT NULL,
        created_by uuid NOT NULL REFERENCES identity.users (id),
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT now(),
        issued_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        last_used_at timestamptz,
        revoked_at timestamptz
    );
    CREATE INDEX service_tokens_account ON identity.service_tokens (account_id, id) WHERE revoked_at IS NULL;
"""

# As `authorize` is for sessions.
_AUTHORIZE = """
    SELECT asked.place::int, found.*
    FROM unnest(token_ids) WITH ORDINALITY AS asked (token_id, place)
    CROSS JOIN LATERAL (
        SELECT t.token_hash, t.account_id, t.workspace_id, u.name, t.scopes,
            t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute' AS is_stale
        FROM service_tokens t
        JOIN users u ON u.id = t.account_id
        JOIN workspace_members m ON m.user_id = u.id AND m.workspace_id = t.workspace_id
        WHERE t.id = asked.token_id AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
            AND u.current_account_status = 'active' AND u.deleted_at IS NULL
            AND m.role = 'system' AND m.deleted_at IS NULL AND m.suspended_at IS NULL
        LIMIT 1
    ) AS found
"""
_USED = """
    UPDATE service_tokens SET last_used_at = now()
    WHERE id = ANY(token_ids) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(workspace_table("identity", "service_accounts", grants="SELECT, INSERT, UPDATE"))
    op.execute(workspace_table("identity", "service_tokens", grants="SELECT, INSERT, UPDATE"))
    op.execute(
        definer_function(
            "identity",
            "authorize_tokens",
            "token_ids uuid[]",
            "TABLE (place int, token_hash varchar, account_id uuid, workspace_id uuid, name varchar, scopes text[], is_stale boolean)",
            _AUTHORIZE,
        )
    )
    op.execute("ALTER FUNCTION identity.authorize_tokens(uuid[]) SET enable_seqscan = off")
    op.execute(definer_function("identity", "tokens_were_used", "token_ids uuid[]", "void", _USED, volatility="VOLATILE"))
    op.execute("ALTER FUNCTION identity.tokens_were_used(uuid[]) SET enable_seqscan = off")
