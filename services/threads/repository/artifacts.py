"""Threads as the graph knows them."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.threads.domain.access import access
from services.threads.repository.access import standings
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.principal import Principal
from shared.contracts.threads.access import Access, Right
from shared.database.connections import Database

_COLUMNS = "id, workspace_id, title, version, deleted_at IS NOT NULL AS deleted"
DESCRIBE = f"SELECT {_COLUMNS} FROM threads WHERE id = ANY($1::uuid[])"
_BEFORE_ALL = UUID(int=0)
LIST = f"SELECT {_COLUMNS} FROM threads WHERE id > $1 ORDER BY id LIMIT $2"


class Artifacts:
    """`background` is the background role's."""

    def __init__(self, database: Database, background: Database) -> None:
        self._database, self._background = database, background

    async def seen(self, thread_ids: Sequence[UUID], caller: Principal) -> tuple[list[Artifact], list[UUID]]:
        """Those that the caller sees, and which of them they take no part in."""
        async with self._database.reading(caller.workspace_id) as connection:
            standing = await standings(connection, [(thread_id, caller) for thread_id in thread_ids])
            parts = {
                thread_id: part
                for thread_id, (gate, part) in zip(thread_ids, standing, strict=True)
                if isinstance(access(caller, thread_id, gate, part, Right.READ), Access)
            }
            rows = await connection.fetch(DESCRIBE, list(parts))
        return [_artifact(row) for row in rows], [row["id"] for row in rows if parts[row["id"]] is None]

    async def page(self, after: UUID | None, limit: int) -> list[Artifact]:
        async with self._background.connection() as connection:
            return [_artifact(row) for row in await connection.fetch(LIST, after or _BEFORE_ALL, limit)]


def _artifact(row: asyncpg.Record) -> Artifact:
    return Artifact(type=ArtifactType.THREAD, project_id=None, thread_id=row["id"], **row)
