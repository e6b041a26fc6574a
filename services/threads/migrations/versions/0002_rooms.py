"""Rooms of every kind, what participants may do, history, search, and which reads were audited."""

from alembic import op

from shared.credentials import background_role, database_role
from shared.database.history import history_of
from shared.database.policies import definer_function, workspace_table

revision = "0002"
down_revision = "0001"

_THREADS = """
    ALTER TABLE threads.threads
        DROP CONSTRAINT threads_kind_check,
        ADD CONSTRAINT threads_kind_check CHECK (kind IN ('booking', 'group', 'direct', 'support', 'escalated', 'assistant')),
        ADD COLUMN direct_key text,
        ADD CONSTRAINT threads_direct UNIQUE (workspace_id, direct_key),
        ADD CONSTRAINT threads_direct_check CHECK ((kind = 'direct') = (direct_key IS NOT NULL));
    DROP INDEX threads.threads_counted;
    CREATE INDEX threads_counted ON threads.threads (workspace_id, state, status, kind, is_private)
        INCLUDE (id, guest_access_allowed) WHERE deleted_at IS NULL;
"""

# Contacts are the same whatever the form of their characters: one that two rows have by now stays as it is in the later one.
_PARTICIPANTS = """
    ALTER TABLE threads.participants
        ADD COLUMN can_send_messages boolean NOT NULL DEFAULT true,
        ADD COLUMN can_invite_others boolean NOT NULL DEFAULT false,
        ADD COLUMN can_see_history boolean NOT NULL DEFAULT true,
        ADD COLUMN last_read_at timestamptz,
        ADD COLUMN deleted_at timestamptz;
    UPDATE threads.participants SET deleted_at = left_at WHERE left_at IS NOT NULL;
    ALTER TABLE threads.participants ADD CONSTRAINT participants_deleted_check CHECK (deleted_at IS NOT DISTINCT FROM left_at);
    UPDATE threads.participants p SET contact_key = normalize(contact_key, NFC)
    WHERE contact_key IS NOT NFC NORMALIZED AND NOT EXISTS (
        SELECT FROM threads.participants other WHERE other.thread_id = p.thread_id AND other.id <> p.id
        AND normalize(other.contact_key, NFC) = normalize(p.contact_key, NFC));
    CREATE INDEX participants_left ON threads.participants (thread_id, joined_at, id) WHERE left_at IS NOT NULL;
    CREATE INDEX participants_moderators ON threads.participants (thread_id) WHERE participant_role = 'moderator' AND left_at IS NULL;
"""

# It grows with whatever a view of the thread shows: the newest message, the thread itself, and who takes part in it.
_ACTIVITY = "ALTER TABLE threads.activity ADD COLUMN revision bigint NOT NULL DEFAULT 1"

# Every entry of the index begins with its workspace, so that one workspace's search reads nothing of another's. Words are told apart by
# Unicode's own rules, which the server's text search, bound to its locale, does not know everywhere.
_WORDS = r"""
    CREATE FUNCTION threads.words(workspace_id uuid, said text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
        SELECT coalesce(array_agg(DISTINCT workspace_id::text || ':' || left(word, 100)), '{}')
        FROM regexp_split_to_table(lower(normalize(said, NFKC) COLLATE pg_catalog.pg_c_utf8), '\W+') AS word WHERE word <> ''
    $body$;
    CREATE FUNCTION threads.found_by(workspace_id uuid, title text, ref text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
        SELECT array_to_tsvector(threads.words(workspace_id, title || ' ' || coalesce(ref, '')))
    $body$;
    CREATE INDEX threads_words ON threads.threads USING gin (threads.found_by(workspace_id, title, ref)) WHERE deleted_at IS NULL;
"""

_WORDS_GRANTS = f"""
    REVOKE ALL ON FUNCTION threads.words(uuid, text), threads.found_by(uuid, text, text) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION threads.words(uuid, text), threads.found_by(uuid, text, text)
        TO {database_role("threads")}, {background_role("threads")};
"""

# The workspace is compared as text, so that no index on it is taken before that of the words.
_FOUND = """
    SELECT id FROM threads.threads
    WHERE deleted_at IS NULL AND workspace_id::text = current_setting('app.workspace', true)
    AND threads.found_by(workspace_id, title, ref) @@ (
        SELECT string_agg(quote_literal(word) || ':*', ' & ')::tsquery
        FROM unnest(threads.words(nullif(current_setting('app.workspace', true), '')::uuid, said)) AS word)
"""

_AUDITED_READS = f"""
    CREATE TABLE threads.audited_reads (
        workspace_id uuid NOT NULL,
        user_id uuid NOT NULL,
        thread_id uuid NOT NULL REFERENCES threads.threads (id),
        action text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (user_id, thread_id, action)
    );
    CREATE INDEX audited_reads_at ON threads.audited_reads (at);
    ALTER TABLE threads.audited_reads ENABLE ROW LEVEL SECURITY;
    CREATE POLICY background ON threads.audited_reads TO {background_role("threads")} USING (true) WITH CHECK (true);
    GRANT SELECT, INSERT, UPDATE, DELETE ON threads.audited_reads TO {background_role("threads")};
"""


def upgrade() -> None:
    for statements in (_THREADS, _PARTICIPANTS, _ACTIVITY, _WORDS, _WORDS_GRANTS):
        op.execute(statements)
    op.execute(definer_function("threads", "found_threads", "said text", "SETOF uuid", _FOUND))
    op.execute(_AUDITED_READS)
    op.execute(history_of("threads", "threads"))
    op.execute(history_of("threads", "participants", without=["last_read_at"]))
    for table, key in (("threads", "id"), ("participants", "thread_id")):
        op.execute(workspace_table("threads", f"{table}_history", grants="SELECT"))
        op.execute(f"CREATE INDEX {table}_history_of ON threads.{table}_history ({key}, history_id)")
