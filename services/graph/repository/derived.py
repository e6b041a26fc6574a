"""Links that nobody made: they follow what they come from. Under one lock, so that whichever of two comes first finds the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.graph.domain import Derived, DerivedLink, Place, link_type
from shared.contracts.artifacts import ArtifactType
from shared.database.connections import Connection
from shared.identifiers import new_id

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('graph.derived'))"

_INSERT = """
    INSERT INTO artifact_links (id, workspace_id, project_id, thread_id, source_type, source_id, target_type, target_id, type, derived,
        created_by)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::uuid[], $9::text[],
        $10::text[], $11::uuid[])
    ON CONFLICT (source_id, target_id, derived) WHERE derived IS NOT NULL AND deleted_at IS NULL DO NOTHING"""

_DELETE_OTHERS = """
    WITH gone AS (
        SELECT l.id FROM artifact_links l
        WHERE l.source_id = ANY($1) AND l.derived IS NOT NULL AND l.deleted_at IS NULL AND NOT EXISTS (
            SELECT FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS kept (source_id, target_id, derived)
            WHERE kept.source_id = l.source_id AND kept.target_id = l.target_id AND kept.derived = l.derived)
        ORDER BY l.id FOR UPDATE)
    UPDATE artifact_links l SET deleted_at = now(), updated_at = now(), version = version + 1, position = NULL
    FROM gone WHERE l.id = gone.id"""

_FORGET_MENTIONS = "DELETE FROM task_mentions WHERE message_id = ANY($1)"
_MENTION = """
    INSERT INTO task_mentions (message_id, number, workspace_id, thread_id, author_id)
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::uuid[]) ON CONFLICT DO NOTHING"""

_MEANT = """
    SELECT m.message_id, m.workspace_id, m.thread_id, m.author_id, p.project_id, t.id AS task_id
    FROM task_mentions m JOIN project_threads p ON p.thread_id = m.thread_id
    JOIN artifacts t ON t.project_id = p.project_id AND t.number = m.number AND t.type = 'TASK' WHERE """
MEANT_BY_MESSAGES = _MEANT + "m.message_id = ANY($1)"
MEANT_IN_THREADS = _MEANT + "m.thread_id = ANY($1)"
MEANT_TASKS = _MEANT + "t.id = ANY($1)"

_PROJECT_THREADS = """
    INSERT INTO project_threads AS known (thread_id, project_id, workspace_id, deleted)
    SELECT thread_id, project_id, workspace_id, bool_or(deleted)
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bool[]) AS told (thread_id, project_id, workspace_id, deleted)
    GROUP BY thread_id, project_id, workspace_id ORDER BY thread_id
    ON CONFLICT (thread_id) DO UPDATE SET deleted = true WHERE excluded.deleted AND NOT known.deleted"""


@dataclass(frozen=True, slots=True)
class Mention:
    """A task's number in a message."""

    message_id: UUID
    number: int
    workspace_id: UUID
    thread_id: UUID
    author_id: UUID


@dataclass(frozen=True, slots=True)
class ProjectThread:
    """In a project's own thread its tasks' numbers have a meaning. deleted: the project, for good."""

    thread_id: UUID
    project_id: UUID
    workspace_id: UUID
    deleted: bool = False


async def lock(connection: Connection) -> None:
    """Nobody else derives until this transaction ends."""
    await connection.execute(_LOCK)


async def derive(connection: Connection, sources: Sequence[UUID], links: Sequence[DerivedLink], mentions: Sequence[Mention]) -> None:
    """From now on these are all that comes of these sources."""
    await connection.execute(_FORGET_MENTIONS, sources)
    await connection.execute(
        _MENTION,
        [one.message_id for one in mentions],
        [one.number for one in mentions],
        [one.workspace_id for one in mentions],
        [one.thread_id for one in mentions],
        [one.author_id for one in mentions],
    )
    wanted = [*links, *await _meant(connection, MEANT_BY_MESSAGES, sources)]
    await connection.execute(
        _DELETE_OTHERS,
        sources,
        [one.source.id for one in wanted],
        [one.target.id for one in wanted],
        [one.derived for one in wanted],
    )
    await add(connection, wanted)


async def add(connection: Connection, links: Sequence[DerivedLink]) -> None:
    """Those that are not there yet."""
    there = [one for one in links if one.source.id != one.target.id]
    if not there:
        return
    await connection.execute(
        _INSERT,
        [new_id() for _ in there],
        [one.workspace_id for one in there],
        [one.project_id for one in there],
        [one.thread_id for one in there],
        [one.source.type for one in there],
        [one.source.id for one in there],
        [one.target.type for one in there],
        [one.target.id for one in there],
        [link_type(one.source.type, one.target.type) for one in there],
        [one.derived for one in there],
        [one.by for one in there],
    )


async def threads_of_projects(connection: Connection, threads: Sequence[ProjectThread]) -> None:
    """What was said in them before may mean something now."""
    if not threads:
        return
    await connection.execute(
        _PROJECT_THREADS,
        [one.thread_id for one in threads],
        [one.project_id for one in threads],
        [one.workspace_id for one in threads],
        [one.deleted for one in threads],
    )
    await add(connection, await _meant(connection, MEANT_IN_THREADS, [one.thread_id for one in threads]))


async def tasks_came(connection: Connection, task_ids: Sequence[UUID]) -> None:
    """Messages may have named them before."""
    if task_ids:
        await add(connection, await _meant(connection, MEANT_TASKS, task_ids))


async def _meant(connection: Connection, statement: str, ids: Sequence[UUID]) -> list[DerivedLink]:
    return [_link(row) for row in await connection.fetch(statement, ids)]


def _link(row: asyncpg.Record) -> DerivedLink:
    return DerivedLink(
        source=Place(ArtifactType.MESSAGE, row["message_id"]),
        target=Place(ArtifactType.TASK, row["task_id"]),
        derived=Derived.REFERENCE,
        workspace_id=row["workspace_id"],
        project_id=row["project_id"],
        thread_id=row["thread_id"],
        by=row["author_id"],
    )
