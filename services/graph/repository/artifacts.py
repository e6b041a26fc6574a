"""The graph's own copy of what it links: written by events, and by whoever links something before its event is here."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from services.graph.domain import newest
from shared.contracts.artifacts import Artifact
from shared.database.connections import Connection
from shared.identifiers import time_of

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
TITLE_LENGTH = 512

RECORD = """
    INSERT INTO artifacts AS known (id, type, workspace_id, project_id, thread_id, title, number, deleted, version, created_at)
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::int[], $8::bool[], $9::int[], $10::timestamptz[])
    ON CONFLICT (id) DO UPDATE SET project_id = excluded.project_id, thread_id = excluded.thread_id, title = excluded.title,
        number = excluded.number, deleted = excluded.deleted, version = excluded.version, updated_at = now(), position = NULL
    WHERE known.version < excluded.version
    RETURNING id, old.deleted IS DISTINCT FROM new.deleted AS came_or_went"""

# Links are in the mirror while both of their ends are.
_TOUCH = """
    WITH touched AS (
        SELECT id FROM artifact_links WHERE deleted_at IS NULL AND position IS NOT NULL AND (source_id = ANY($1) OR target_id = ANY($1))
        ORDER BY id FOR UPDATE)
    UPDATE artifact_links l SET position = NULL, updated_at = now() FROM touched WHERE l.id = touched.id"""

# All that is in a project goes with it, without a word of its own, and so does what was said in its thread; what is told of it late
# brings none of it back.
_END = """
    WITH ended AS ({which} ORDER BY id FOR UPDATE)
    UPDATE artifacts a SET deleted = true, updated_at = now(), position = NULL FROM ended WHERE a.id = ended.id RETURNING a.id"""
END_IN_PROJECTS = _END.format(
    which="""SELECT id FROM artifacts WHERE NOT deleted
        AND project_id = ANY(ARRAY(SELECT project_id FROM project_threads WHERE project_id = ANY($1) AND deleted))"""
)
END_TOLD = _END.format(
    which="""SELECT id FROM artifacts WHERE id = ANY($1) AND NOT deleted
        AND thread_id = ANY(ARRAY(SELECT thread_id FROM project_threads WHERE thread_id = ANY($2) AND deleted))"""
)
END_SAID = """
    WITH ended AS (
        SELECT id FROM artifacts WHERE thread_id = $1 AND NOT deleted ORDER BY id LIMIT $2 FOR UPDATE)
    UPDATE artifacts a SET deleted = true, updated_at = now(), position = NULL FROM ended WHERE a.id = ended.id RETURNING a.id"""


async def record(connection: Connection, artifacts: Sequence[Artifact]) -> set[UUID]:
    """Keep those that are newer than what is known; which they are."""
    kept = newest(artifacts)
    if not kept:
        return set()
    rows = await connection.fetch(
        RECORD,
        [one.id for one in kept],
        [one.type for one in kept],
        [one.workspace_id for one in kept],
        [one.project_id for one in kept],
        [one.thread_id for one in kept],
        [one.title[:TITLE_LENGTH] for one in kept],
        [one.number for one in kept],
        [one.deleted for one in kept],
        [one.version for one in kept],
        [time_of(one.id) or _BEGINNING for one in kept],
    )
    await _touch(connection, [row for row in rows if row["came_or_went"]])
    return {row["id"] for row in rows}


async def end(connection: Connection, project_ids: Sequence[UUID], told: Sequence[Artifact]) -> None:
    """What is in those of these projects that were deleted, and what was just told of their threads."""
    if project_ids:
        await _touch(connection, await connection.fetch(END_IN_PROJECTS, project_ids))
    said = [one for one in told if one.thread_id is not None]
    if said:
        await _touch(connection, await connection.fetch(END_TOLD, [one.id for one in said], list({one.thread_id for one in said})))


async def end_said(connection: Connection, thread_id: UUID, most: int) -> int:
    """So much of what was said in a thread; how much there was."""
    ended = await connection.fetch(END_SAID, thread_id, most)
    await _touch(connection, ended)
    return len(ended)


async def _touch(connection: Connection, ended: Sequence[asyncpg.Record]) -> None:
    if ended:
        await connection.execute(_TOUCH, [row["id"] for row in ended])


async def record_early(connection: Connection, artifacts: Sequence[Artifact]) -> None:
    """As their owner told them to somebody who links them: older than any event, which has yet to say what comes of them."""
    await record(connection, [one.model_copy(update={"version": 0}) for one in artifacts])
