"""Who answers for a service account's token, roles that were deleted, who serves clients; and what is in a deleted workspace is over."""

from alembic import op

from shared.database.policies import definer_function

revision = "0011"
down_revision = "0010"

# Who made a token is its person, or made the account that did, or the one that made that.
_TABLES = """
    ALTER TABLE identity.service_tokens ADD COLUMN granted_by uuid REFERENCES identity.users (id);
    WITH RECURSIVE makers (id, maker) AS (
        SELECT id, created_by FROM identity.service_tokens
        UNION SELECT m.id, a.created_by FROM makers m JOIN identity.service_accounts a ON a.id = m.maker)
    UPDATE identity.service_tokens t SET granted_by = m.maker FROM makers m
        WHERE m.id = t.id AND NOT EXISTS (SELECT FROM identity.service_accounts a WHERE a.id = m.maker);
    ALTER TABLE identity.service_tokens ALTER COLUMN granted_by SET NOT NULL;
    ALTER TABLE identity.roles ADD COLUMN deleted_at timestamptz;
    CREATE INDEX workspace_members_staff ON identity.workspace_members (workspace_id, user_id)
        WHERE role <> 'client' AND role <> 'guest' AND deleted_at IS NULL;
"""

# As before (0002), in a workspace that is there.
_AUTHORIZE = """
    SELECT asked.place::int, found.name, found.email, found.is_email_verified, found.role, found.permissions
    FROM unnest(session_ids, user_ids, workspace_ids) WITH ORDINALITY AS asked (session_id, user_id, workspace_id, place)
    CROSS JOIN LATERAL (
        SELECT u.name, u.email, u.is_email_verified, m.role, CASE WHEN m.custom_role IS NOT NULL THEN (
            SELECT r.permissions FROM roles r WHERE r.workspace_id = m.workspace_id AND r.name = m.custom_role
        ) END AS permissions
        FROM user_sessions s
        JOIN users u ON u.id = s.user_id
        JOIN workspace_members m ON m.user_id = u.id AND m.workspace_id = asked.workspace_id
        JOIN workspaces w ON w.id = m.workspace_id
        WHERE s.id = asked.session_id AND s.user_id = asked.user_id AND s.ended_at IS NULL AND s.expires_at > now()
            AND u.current_account_status IN ('active', 'pending-verification') AND u.deleted_at IS NULL
            AND m.deleted_at IS NULL AND m.suspended_at IS NULL AND w.deleted_at IS NULL
        LIMIT 1
    ) AS found
"""

# As before (0004), with what the person is granted who answers for the token; without them it is not good.
_AUTHORIZE_TOKENS = """
    SELECT asked.place::int, found.*
    FROM unnest(token_ids) WITH ORDINALITY AS asked (token_id, place)
    CROSS JOIN LATERAL (
        SELECT t.token_hash, t.account_id, t.workspace_id, u.name, t.scopes, b.role, CASE WHEN b.custom_role IS NOT NULL THEN (
            SELECT r.permissions FROM roles r WHERE r.workspace_id = b.workspace_id AND r.name = b.custom_role
        ) END
        FROM service_tokens t
        JOIN users u ON u.id = t.account_id
        JOIN workspace_members m ON m.user_id = u.id AND m.workspace_id = t.workspace_id
        JOIN workspaces w ON w.id = t.workspace_id
        JOIN users p ON p.id = t.granted_by
        JOIN workspace_members b ON b.user_id = p.id AND b.workspace_id = t.workspace_id
        WHERE t.id = asked.token_id AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
            AND u.current_account_status = 'active' AND u.deleted_at IS NULL
            AND m.role = 'system' AND m.deleted_at IS NULL AND m.suspended_at IS NULL AND w.deleted_at IS NULL
            AND p.current_account_status IN ('active', 'pending-verification') AND p.deleted_at IS NULL
            AND b.deleted_at IS NULL AND b.suspended_at IS NULL
        LIMIT 1
    ) AS found
"""
_TOKENS = """TABLE (place int, token_hash varchar, account_id uuid, workspace_id uuid, name varchar, scopes text[],
    answering_role varchar, answering_permissions text[])"""

_HOME_OF = """
    SELECT m.workspace_id FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = member AND m.deleted_at IS NULL AND m.suspended_at IS NULL AND w.deleted_at IS NULL ORDER BY m.created_at LIMIT 1
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute("DROP FUNCTION identity.authorize(uuid[], uuid[], uuid[])")
    op.execute(
        definer_function(
            "identity",
            "authorize",
            "session_ids uuid[], user_ids uuid[], workspace_ids uuid[]",
            "TABLE (place int, name varchar, email varchar, is_email_verified boolean, role varchar, permissions text[])",
            _AUTHORIZE,
        )
    )
    op.execute("ALTER FUNCTION identity.authorize(uuid[], uuid[], uuid[]) SET enable_seqscan = off")
    op.execute("DROP FUNCTION identity.authorize_tokens(uuid[])")
    op.execute(definer_function("identity", "authorize_tokens", "token_ids uuid[]", _TOKENS, _AUTHORIZE_TOKENS))
    op.execute("ALTER FUNCTION identity.authorize_tokens(uuid[]) SET enable_seqscan = off")
    op.execute("DROP FUNCTION identity.home_of(uuid)")
    op.execute(definer_function("identity", "home_of", "member uuid", "uuid", _HOME_OF))
