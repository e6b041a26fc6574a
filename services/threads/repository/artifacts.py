"""Threads as the graph knows them."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.contracts.artifacts import Artifact, ArtifactType
from shared.database.connections import Database
from shared.identifiers import FIRST_ID

_COLUMNS = "id, workspace_id, project_id, title, version, deleted_at IS NOT NULL AS deleted"
DESCRIBE = f"SELECT {_COLUMNS} FROM threads WHERE id = ANY($1::uuid[])"
LIST = f"SELECT {_COLUMNS} FROM threads WHERE id > $1 ORDER BY id LIMIT $2"


class Artifacts:
    """`background` is the background role's."""

    def __init__(self, database: Database, background: Database) -> None:
        self._database, self._background = database, background

    async def there(self, workspace_id: UUID, thread_ids: Sequence[UUID]) -> list[Artifact]:
        async with self._database.reading(workspace_id) as connection:
            return [_artifact(row) for row in await connection.fetch(DESCRIBE, thread_ids)]

    async def page(self, after: UUID | None, limit: int) -> list[Artifact]:
        async with self._background.connection() as connection:
            return [_artifact(row) for row in await connection.fetch(LIST, after or FIRST_ID, limit)]


def _artifact(row: asyncpg.Record) -> Artifact:
    return Artifact(type=ArtifactType.THREAD, thread_id=row["id"], **row)
