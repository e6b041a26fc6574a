"""PostgreSQL's own bench with the rows of a post: what the database alone does at most, in the same minute on the same machine.

One client, one thread: no client ever waits for another's head, as posts through Atrium do. Row-level security does not hold it up either.
"""

import asyncio
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import UUID

from shared.embedded.postgres import binaries
from tests.bench.history import Connection

SCHEMA = "bench"
CLIENTS = 64
_JOBS = 2  # threads of pgbench
_EVENT_LENGTH, _TRACE_LENGTH = 650, 55  # as a post's
_RATE = re.compile(r"tps = ([\d.]+)")

# The tables of the service, with its indexes and checks; the settings that LIKE leaves out are those of the service's migrations.
_TABLES = f"""
    CREATE SCHEMA {SCHEMA};
    CREATE TABLE {SCHEMA}.heads (LIKE messages.heads INCLUDING ALL) WITH (fillfactor = 50);
    CREATE TABLE {SCHEMA}.message_keys (LIKE messages.message_keys INCLUDING ALL);
    CREATE TABLE {SCHEMA}.messages (LIKE messages.messages INCLUDING ALL) PARTITION BY RANGE (created_at);
    CREATE TABLE {SCHEMA}.outbox (LIKE messages.outbox INCLUDING ALL)
        WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
    CREATE FUNCTION {SCHEMA}.make_partition(month date) RETURNS void LANGUAGE plpgsql AS $body$
    BEGIN
        EXECUTE format('CREATE TABLE IF NOT EXISTS {SCHEMA}.%I PARTITION OF {SCHEMA}.messages FOR VALUES FROM (%L) TO (%L)',
            'messages_' || to_char(month, 'YYYY_MM'), month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
    END $body$;
"""

# What `services/messages/repository/posts.py` writes for one post, as one statement.
_POST = f"""
WITH head AS (
    UPDATE {SCHEMA}.heads SET last_seq = last_seq + 1, last_sub_seq = 0,
        last_at = greatest(date_trunc('milliseconds', clock_timestamp()), last_at + interval '1 ms')
    WHERE thread_id = lpad((:client_id + 1)::text, 32, '0')::uuid
    RETURNING workspace_id, thread_id, last_seq, last_at, uuidv7() AS message_id),
used AS (
    INSERT INTO {SCHEMA}.message_keys (workspace_id, thread_id, author_id, key, digest, message_id)
    SELECT workspace_id, thread_id, workspace_id, left(message_id::text, 16) || last_seq, decode(repeat('ab', 32), 'hex'), message_id
    FROM head),
said AS (
    INSERT INTO {SCHEMA}.outbox (event_id, workspace_id, subject, data, trace)
    SELECT uuidv7(), workspace_id, 'event.messages.message_posted.v1.' || workspace_id || '.' || thread_id, repeat('x', {_EVENT_LENGTH}),
        repeat('x', {_TRACE_LENGTH})
    FROM head)
INSERT INTO {SCHEMA}.messages (workspace_id, id, thread_id, seq, sub_seq, author_id, author_role, author_name, channel, message_type,
    content, reply_to, metadata, content_metadata, delivery_status, client_message_id, created_at, updated_at)
SELECT workspace_id, message_id, thread_id, last_seq, 0, workspace_id, 'agent', 'Ada', 'in-app', 'chat', repeat('word ', 20),
    NULL, '{{}}', '{{}}', 'delivered', left(message_id::text, 16) || last_seq, last_at, last_at FROM head;
"""

# This month, and the next for a run at its end.
_MONTHS = f"""
    SELECT {SCHEMA}.make_partition((date_trunc('month', now() AT TIME ZONE 'UTC') + ahead * interval '1 month')::date)
    FROM generate_series(0, 1) AS ahead"""

_HEADS = f"INSERT INTO {SCHEMA}.heads (thread_id, workspace_id) SELECT unnest($1::uuid[]), $2"

THREADS = [UUID(f"{number:032}") for number in range(1, CLIENTS + 1)]


class Pgbench:
    """Posts into tables of its own, as the admin."""

    def __init__(self, url: str, folder: Path) -> None:
        parts = urlsplit(url)
        self._password = unquote(parts.password or "")
        self._url = urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", "@")))  # others can read a command line
        self._script = folder / "post.sql"

    async def prepare(self, connection: Connection, workspace_id: UUID) -> None:
        """Make the tables, with the heads of 64 threads."""
        self._script.write_text(" ".join(_POST.split()) + "\n")
        await connection.execute(_TABLES)
        await connection.execute(_MONTHS)
        await connection.execute(_HEADS, THREADS, workspace_id)

    async def run(self, seconds: float) -> float:
        """Posts a second, with 64 clients."""
        command = [str(binaries(None) / "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", str(_JOBS), "-T", str(round(seconds))]
        process = await asyncio.create_subprocess_exec(
            *command, "-f", str(self._script), self._url,
            env={**os.environ, "PGPASSWORD": self._password},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said = (await process.communicate())[0].decode()
        rate = _RATE.search(said)
        if process.returncode != 0 or rate is None:
            raise RuntimeError(f"pgbench failed: {said}")
        return float(rate[1])
