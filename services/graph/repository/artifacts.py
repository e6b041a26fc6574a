"""The graph's own copy of what it links: written by events, and by whoever links something before its event is here."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

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

# All that is in a project goes with it, without a word of its own; what is told of it late brings none of it back.
_END = """
    WITH ended AS (
        SELECT id FROM artifacts WHERE NOT deleted
            AND project_id = ANY(ARRAY(SELECT project_id FROM project_threads WHERE project_id = ANY($1) AND deleted))
        ORDER BY id FOR UPDATE)
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
    if moved := [row["id"] for row in rows if row["came_or_went"]]:
        await connection.execute(_TOUCH, moved)
    return {row["id"] for row in rows}


async def end(connection: Connection, project_ids: Sequence[UUID]) -> None:
    """What is in those of them that were deleted."""
    if project_ids and (ended := [row["id"] for row in await connection.fetch(_END, project_ids)]):
        await connection.execute(_TOUCH, ended)


async def record_early(connection: Connection, artifacts: Sequence[Artifact]) -> None:
    """As their owner told them to somebody who links them: older than any event, which has yet to say what comes of them."""
    await record(connection, [one.model_copy(update={"version": 0}) for one in artifacts])
