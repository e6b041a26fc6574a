"""The SQL that fills a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.database.history import SYSTEM_ACTOR
from tests.bench.people import PEOPLE
from tests.bench.scale import sizes
from tests.bench.scale.sizes import LONG, SHARE_OF_LONG, WIDE

_TAKING_PART = 4  # people, in an ordinary thread; all of them in the long one and the wide one
_UNREAD, _UNREAD_OF_LONG = 5, 2_000
_KEPT = "30 days"  # a clientMessageId's time


@dataclass(frozen=True)
class Like:
    """Rows like the product's own one (`template`), but for the columns that are `made` out of `source`."""

    table: str
    source: str
    made: Mapping[str, str]
    own: str | None = None
    """Where the product's row is, if not with the template's thread."""

    def select(self, columns: Sequence[str]) -> str:
        unknown = self.made.keys() - set(columns)
        if unknown:
            raise ValueError(f"{self.table} has no column {', '.join(sorted(unknown))}")
        values = ", ".join(self.made.get(column, f"template.{column}") for column in columns)
        own = self.own or f"{self.table} WHERE thread_id = (SELECT id FROM scale.template)"
        return f"SELECT {values} FROM (SELECT * FROM {own} LIMIT 1) AS template CROSS JOIN {self.source}"


COLUMNS = """
    SELECT attname::text FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ORDER BY attnum"""

STAGE = f"""
    SET enable_seqscan = off; -- statistics come last
    SET app.actor = '{SYSTEM_ACTOR}'; -- whoever takes part was brought in by somebody
    CREATE SCHEMA scale;
    CREATE TABLE scale.people (number int PRIMARY KEY, id uuid, name text, role text);
    CREATE TABLE scale.threads (number int PRIMARY KEY, id uuid, at timestamptz);
    CREATE TABLE scale.template (id uuid)"""
STAGE_PEOPLE = """
    INSERT INTO scale.people SELECT place - 1, id, name, role
    FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS person (id, name, role, place)"""
STAGE_THREADS = """
    INSERT INTO scale.threads SELECT place - 1, id, at
    FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS thread (id, at, place)"""
STAGE_TEMPLATE = "INSERT INTO scale.template VALUES ($1)"
STAGE_MESSAGE = "CREATE TABLE scale.message AS SELECT * FROM messages.messages"
UNSTAGE = "DROP SCHEMA scale CASCADE; RESET enable_seqscan"

THREADS = Like(
    "threads.threads",
    f"scale.threads AS thread JOIN scale.people AS creator ON creator.number = thread.number % {PEOPLE}",
    {
        "id": "thread.id",
        "booking_id": "'scale-' || thread.number",
        "title": "'A booking to talk about, number ' || thread.number",
        "creator_id": "creator.id",
        "max_participants": f"CASE thread.number WHEN {WIDE} THEN {sizes.PARTICIPANTS} ELSE template.max_participants END",
        "created_at": "thread.at",
        "updated_at": "thread.at",
    },
    own="threads.threads WHERE id = (SELECT id FROM scale.template)",
)

_JOINED = {"id": "uuidv7()", "thread_id": "thread.id", "joined_at": "joined", "created_at": "joined", "updated_at": "joined"}

PARTICIPANTS = Like(
    "threads.participants",
    f"""scale.threads AS thread
        CROSS JOIN LATERAL (SELECT CASE WHEN thread.number IN ({LONG}, {WIDE}) THEN {PEOPLE} ELSE {_TAKING_PART} END) AS count (people)
        CROSS JOIN LATERAL generate_series(0, people - 1) AS place
        JOIN scale.people AS person ON person.number = (thread.number + place) % {PEOPLE}
        CROSS JOIN LATERAL (SELECT thread.at + place * interval '1 ms') AS time (joined)""",
    _JOINED
    | {
        "user_id": "person.id",
        "name": "person.name",
        "participant_role": "CASE place WHEN 0 THEN template.participant_role ELSE 'member' END",
        "last_read_at": "now()",
    },
)

# People without an account, by their mail addresses.
OUTSIDERS = Like(
    "threads.participants",
    f"""scale.threads AS thread CROSS JOIN generate_series({PEOPLE}, {sizes.PARTICIPANTS - 1}) AS place
        CROSS JOIN LATERAL (SELECT thread.at + place * interval '1 ms') AS time (joined) WHERE thread.number = {WIDE}""",
    _JOINED
    | {
        "user_id": "NULL",
        "role": "'client'",
        "participant_role": "'member'",
        "name": "'Client ' || place",
        "contact": "'client-' || place || '@clients.example'",
        "contact_key": "'client-' || place || '@clients.example'",
        "last_read_at": "NULL",
    },
)

_ID = "(lpad(to_hex((extract(epoch FROM made.at) * 1000)::bigint), 12, '0') || '7' || left(noise, 3) || '8' || substr(noise, 4, 15))::uuid"

# `sizes.place` and `Timeline` say where a message goes; the id is a UUIDv7 of its time.
MESSAGES = Like(
    "messages.messages",
    f"""generate_series($1::bigint, $2::bigint) AS n
        CROSS JOIN LATERAL (SELECT n % {SHARE_OF_LONG} = 0 AS is_long, n / {SHARE_OF_LONG} AS turn_of_long,
            n - n / {SHARE_OF_LONG} - 1 AS turn) AS turns
        CROSS JOIN LATERAL (SELECT (CASE WHEN is_long THEN {LONG} ELSE 1 + turn % {sizes.THREADS - 1} END)::int AS thread_number,
            CASE WHEN is_long THEN turn_of_long ELSE turn / {sizes.THREADS - 1} END + 1 AS seq) AS place
        JOIN scale.threads AS thread ON thread.number = thread_number
        JOIN scale.people AS author ON author.number = (thread_number + place.seq % {_TAKING_PART}) % {PEOPLE}
        CROSS JOIN LATERAL (SELECT date_trunc('milliseconds', $3::timestamptz + n * $4::interval), md5(n::text)) AS made (at, noise)""",
    {
        "id": _ID,
        "thread_id": "thread.id",
        "seq": "place.seq",
        "author_id": "author.id",
        "author_role": "author.role",
        "author_name": "author.name",
        "client_message_id": "'scale-' || n",
        "created_at": "made.at",
        "updated_at": "made.at",
    },
    own="scale.message",  # a partition that is made locks all of them
)

NEWEST = """
    CREATE TABLE scale.newest AS SELECT thread.number, newest.* FROM scale.threads AS thread CROSS JOIN LATERAL (
        SELECT id, thread_id, seq, author_name, content, created_at FROM messages.messages WHERE thread_id = thread.id
        ORDER BY created_at DESC LIMIT 1) AS newest"""

HEADS = Like(
    "messages.heads",
    "scale.newest",
    {"thread_id": "newest.thread_id", "last_seq": "newest.seq", "last_sub_seq": "0", "last_at": "newest.created_at"},
)

KEYS = Like(
    "messages.message_keys",
    f"messages.messages AS message WHERE message.created_at > now() - interval '{_KEPT}' AND message.client_message_id LIKE 'scale-%'",
    {
        "thread_id": "message.thread_id",
        "author_id": "message.author_id",
        "key": "message.client_message_id",
        "digest": "sha256(convert_to(message.content, 'UTF8'))",
        "message_id": "message.id",
        "created_at": "message.created_at",
    },
)

ACTIVITY = Like(
    "threads.activity",
    """scale.newest CROSS JOIN LATERAL (
        SELECT count(*) AS participants FROM threads.participants WHERE thread_id = newest.thread_id AND left_at IS NULL) AS counted""",
    {
        "thread_id": "newest.thread_id",
        "at": "newest.created_at",
        "participant_count": "participants",
        "last_seq": "newest.seq",
        "last_version": "1",
        "last_message_id": "newest.id",
        "last_message_author": "newest.author_name",
        "last_message_preview": "left(regexp_replace(newest.content, '<[^>]*>', '', 'g'), 200)",
        "last_message_at": "newest.created_at",
    },
)

RECEIPTS = Like(
    "messages.read_receipts",
    f"""scale.threads AS thread JOIN threads.participants AS reader ON reader.thread_id = thread.id
        JOIN scale.people AS person ON person.id = reader.user_id
        CROSS JOIN LATERAL (
            SELECT id, created_at FROM messages.messages WHERE thread_id = thread.id
            ORDER BY created_at DESC OFFSET CASE thread.number WHEN {LONG} THEN {_UNREAD_OF_LONG} ELSE {_UNREAD} END LIMIT 1) AS read""",
    {
        "id": "uuidv7()",
        "thread_id": "thread.id",
        "user_id": "person.id",
        "user_role": "person.role",
        "user_name": "person.name",
        "last_read_message_id": "read.id",
        "last_read_at": "now()",
        "read_up_to": "read.created_at",
        "last_delivered_message_id": "read.id",
        "last_delivered_at": "now()",
        "delivered_up_to": "read.created_at",
    },
)
