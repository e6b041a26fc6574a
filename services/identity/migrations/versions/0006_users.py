"""Profiles and their history, the names by which members are found, suspensions, what a session was started on, mailed links."""

from alembic import op

from shared.credentials import background_role
from shared.database.history import history_of
from shared.database.policies import definer_function, installation_table, workspace_table

revision = "0006"
down_revision = "0005"

_COLUMNS = """
    ALTER TABLE identity.users
        ADD COLUMN search_names text[] NOT NULL DEFAULT '{}',
        ADD CONSTRAINT users_current_status CHECK (current_status IN ('online', 'away', 'busy', 'offline')),
        ADD CONSTRAINT users_account_type CHECK (account_type_informal IN ('guest', 'member', 'service'));
    UPDATE identity.users SET search_names = ARRAY[lower(username), lower(name), lower(last_name)];
    ALTER TABLE identity.user_sessions
        ADD COLUMN user_agent varchar(255),
        ADD COLUMN address varchar(64),
        ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT now();
    DROP INDEX identity.idx_sessions_user;
    CREATE INDEX idx_sessions_user ON identity.user_sessions (user_id, id);
    CREATE INDEX user_sessions_over ON identity.user_sessions (coalesce(ended_at, expires_at));
"""

_MAILED_TOKENS = """
    CREATE TABLE identity.mailed_tokens (
        token_hash varchar(64) PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES identity.users (id),
        purpose varchar(32) NOT NULL CHECK (purpose IN ('verify', 'reset')),
        email varchar(255) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        spent_at timestamptz
    );
    CREATE INDEX mailed_tokens_user ON identity.mailed_tokens (user_id, purpose, created_at);
    CREATE INDEX mailed_tokens_over ON identity.mailed_tokens (expires_at);
"""

# A row for each way in which somebody's name may begin, so that whatever is typed is one range of this index, in its order.
_MEMBER_NAMES = """
    CREATE TABLE identity.member_names (
        workspace_id uuid NOT NULL,
        user_id uuid NOT NULL,
        name text COLLATE "C" NOT NULL,
        PRIMARY KEY (workspace_id, user_id, name)
    );
    CREATE INDEX member_names_name ON identity.member_names (workspace_id, name, user_id);
    CREATE FUNCTION identity.name_member() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = identity, pg_temp AS $body$
    BEGIN
        DELETE FROM member_names WHERE workspace_id = OLD.workspace_id AND user_id = OLD.user_id;
        IF NEW.deleted_at IS NULL THEN
            INSERT INTO member_names SELECT NEW.workspace_id, u.id, unnest(u.search_names) FROM users u WHERE u.id = NEW.user_id
                ON CONFLICT DO NOTHING;
        END IF;
        RETURN NULL;
    END
    $body$;
    CREATE FUNCTION identity.rename_member() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = identity, pg_temp AS $body$
    BEGIN
        DELETE FROM member_names n USING workspace_members m
            WHERE m.user_id = NEW.id AND n.workspace_id = m.workspace_id AND n.user_id = NEW.id;
        INSERT INTO member_names SELECT m.workspace_id, NEW.id, unnest(NEW.search_names) FROM workspace_members m
            WHERE m.user_id = NEW.id AND m.deleted_at IS NULL AND NEW.deleted_at IS NULL
            ON CONFLICT DO NOTHING;
        RETURN NULL;
    END
    $body$;
    REVOKE ALL ON FUNCTION identity.name_member(), identity.rename_member() FROM PUBLIC;
    CREATE TRIGGER name_member_trigger AFTER INSERT OR UPDATE OF workspace_id, deleted_at OR DELETE ON identity.workspace_members
        FOR EACH ROW EXECUTE FUNCTION identity.name_member();
    CREATE TRIGGER rename_member_trigger AFTER UPDATE OF search_names, deleted_at ON identity.users
        FOR EACH ROW EXECUTE FUNCTION identity.rename_member();
    INSERT INTO identity.member_names
        SELECT m.workspace_id, u.id, unnest(u.search_names) FROM identity.workspace_members m JOIN identity.users u ON u.id = m.user_id
        WHERE m.deleted_at IS NULL AND u.deleted_at IS NULL ON CONFLICT DO NOTHING;
"""

# What was somebody's password is nobody's to keep.
_WITHOUT_PASSWORDS = """
    CREATE FUNCTION identity.blank_password_hash() RETURNS trigger
    LANGUAGE plpgsql SET search_path = identity, pg_temp AS $body$ BEGIN NEW.password_hash := ''; RETURN NEW; END $body$;
    REVOKE ALL ON FUNCTION identity.blank_password_hash() FROM PUBLIC;
    CREATE TRIGGER blank_password_hash_trigger BEFORE INSERT ON identity.users_history
        FOR EACH ROW EXECUTE FUNCTION identity.blank_password_hash();
"""

_MEMBERSHIPS = "SELECT workspace_id FROM workspace_members WHERE user_id = member AND deleted_at IS NULL ORDER BY workspace_id"


def upgrade() -> None:
    op.execute(_COLUMNS)
    op.execute(_MAILED_TOKENS)
    op.execute(_MEMBER_NAMES)
    op.execute(history_of("identity", "users", without=["last_seen_at", "current_status"]))
    op.execute(_WITHOUT_PASSWORDS)
    op.execute("CREATE INDEX users_history_user ON identity.users_history (id, history_id)")
    op.execute(installation_table("identity", "mailed_tokens", grants="SELECT, INSERT, UPDATE, DELETE"))
    op.execute(workspace_table("identity", "member_names", grants="SELECT"))
    op.execute(f"GRANT DELETE ON identity.user_sessions TO {background_role('identity')}")
    op.execute(definer_function("identity", "memberships_of", "member uuid", "SETOF uuid", _MEMBERSHIPS))
