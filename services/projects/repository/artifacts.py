"""Tasks, files and pages in one form."""

from collections.abc import Sequence
from uuid import UUID

from services.projects.repository.rows import view
from shared.contracts.artifacts import ArtifactType
from shared.contracts.principal import Principal
from shared.contracts.projects.artifacts import ProjectArtifact, ProjectArtifacts, ThreadOfProject
from shared.database.connections import Database
from shared.identifiers import FIRST_ID

_COLUMNS = {
    ArtifactType.TASK: ("tasks", "a.title", "a.number", "NULL", "NULL"),
    ArtifactType.FILE: ("files", "a.path", "NULL", "NULL", "a.updated_by"),
    ArtifactType.PAGE: ("pages", "a.name", "NULL", "a.linked_file_id", "a.updated_by"),
}


def _part(kind: ArtifactType, where: str, table: str, title: str, number: str, linked_file_id: str, updated_by: str) -> str:
    return f"""
        (SELECT '{kind}' AS type, a.id, a.workspace_id, a.project_id, NULL::uuid AS thread_id, {title} AS title, {number}::int AS number,
            {linked_file_id}::uuid AS linked_file_id, {updated_by}::uuid AS updated_by,
            a.deleted_at IS NOT NULL OR p.deleted_at IS NOT NULL AS deleted, a.version
        FROM {table} a JOIN projects p ON p.id = a.project_id WHERE {where})"""


def _all(where: str) -> str:
    return " UNION ALL ".join(_part(kind, where, *columns) for kind, columns in _COLUMNS.items())


_ASKED = " UNION ALL ".join(
    f"""
        SELECT '{kind}' AS type, a.id, a.workspace_id, a.project_id, {title} AS title, {number}::int AS number, a.version
        FROM {table} a WHERE a.id = ANY($1::uuid[]) AND a.deleted_at IS NULL"""
    for kind, (table, title, number, *_) in _COLUMNS.items()
)
# Step by step: joined at once, a plan that was made for the very ids went through all of them again for each project (20 ms, not 2).
# Whether they are a member is looked up for each project: whoever is in ten thousand asks as cheaply as others.
DESCRIBE = f"""
    WITH asked AS MATERIALIZED ({_ASKED}), own AS MATERIALIZED (
        SELECT p.id FROM (SELECT DISTINCT project_id FROM asked) AS their JOIN projects p ON p.id = their.project_id
        WHERE p.deleted_at IS NULL AND (
            SELECT m.deleted_at IS NULL FROM project_members m WHERE m.project_id = p.id AND m.user_id = $2))
    SELECT asked.*, NULL AS thread_id, false AS deleted FROM asked JOIN own ON own.id = asked.project_id"""
_NEXT = "a.id > $1 ORDER BY a.id LIMIT $2"
_LIST = f"SELECT * FROM ({_all(_NEXT)}) AS artifacts ORDER BY id LIMIT $2"
THREADS = "SELECT id, workspace_id, thread_id, deleted_at IS NOT NULL AS deleted FROM projects WHERE id > $1 ORDER BY id LIMIT $2"


class Artifacts:
    """background: the role that sees all workspaces."""

    def __init__(self, database: Database, background: Database) -> None:
        self._database, self._background = database, background

    async def seen(self, ids: Sequence[UUID], caller: Principal) -> ProjectArtifacts:
        """Those that are in projects of the caller."""
        async with self._database.reading(caller.workspace_id) as connection:
            rows = await connection.fetch(DESCRIBE, ids, caller.user_id)
        return ProjectArtifacts.model_validate({"artifacts": [dict(row) for row in rows]})  # each by itself takes twice as long

    async def all(self, after: UUID | None, limit: int) -> list[ProjectArtifact]:
        """Of all workspaces, from an id on."""
        async with self._background.connection() as connection:
            rows = await connection.fetch(_LIST, after or FIRST_ID, limit)
        return [view(ProjectArtifact, row) for row in rows]

    async def threads(self, after: UUID | None, limit: int) -> list[ThreadOfProject]:
        """Of the projects of all workspaces, from a project's id on."""
        async with self._background.connection() as connection:
            rows = await connection.fetch(THREADS, after or FIRST_ID, limit)
        return [view(ThreadOfProject, row) for row in rows]
