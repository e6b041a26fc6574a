"""Tasks, files and pages in one form."""

from collections.abc import Sequence
from uuid import UUID

from services.projects.repository.rows import view
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.principal import Principal
from shared.database.connections import Database
from shared.identifiers import FIRST_ID

_TITLES = {
    ArtifactType.TASK: ("tasks", "title", "number"),
    ArtifactType.FILE: ("files", "path", "NULL"),
    ArtifactType.PAGE: ("pages", "name", "NULL"),
}


def _part(kind: ArtifactType, table: str, title: str, number: str, where: str) -> str:
    return f"""
        (SELECT '{kind}' AS type, a.id, a.workspace_id, a.project_id, NULL::uuid AS thread_id, a.{title} AS title, {number}::int AS number,
            a.deleted_at IS NOT NULL OR p.deleted_at IS NOT NULL AS deleted, a.version
        FROM {table} a JOIN projects p ON p.id = a.project_id WHERE {where})"""


def _all(where: str) -> str:
    return " UNION ALL ".join(_part(kind, *columns, where) for kind, columns in _TITLES.items())


# Whether they are a member is looked up for each: whoever is in ten thousand projects asks as cheaply as others.
_SEEN = """a.id = ANY($1::uuid[]) AND a.deleted_at IS NULL AND p.deleted_at IS NULL AND (
    SELECT m.deleted_at IS NULL FROM project_members m WHERE m.project_id = a.project_id AND m.user_id = $2)"""
_DESCRIBE = _all(_SEEN)
_NEXT = "a.id > $1 ORDER BY a.id LIMIT $2"
_LIST = f"SELECT * FROM ({_all(_NEXT)}) AS artifacts ORDER BY id LIMIT $2"


class Artifacts:
    """background: the role that sees all workspaces."""

    def __init__(self, database: Database, background: Database) -> None:
        self._database, self._background = database, background

    async def seen(self, ids: Sequence[UUID], caller: Principal) -> list[Artifact]:
        """Those that are in projects of the caller."""
        async with self._database.reading(caller.workspace_id) as connection:
            rows = await connection.fetch(_DESCRIBE, ids, caller.user_id)
        return [view(Artifact, row) for row in rows]

    async def all(self, after: UUID | None, limit: int) -> list[Artifact]:
        """Of all workspaces, from an id on."""
        async with self._background.connection() as connection:
            rows = await connection.fetch(_LIST, after or FIRST_ID, limit)
        return [view(Artifact, row) for row in rows]
