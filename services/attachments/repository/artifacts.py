"""Files as the graph knows them."""

from collections.abc import Sequence
from uuid import UUID

from services.attachments.domain import Stored
from services.attachments.repository.rows import COLUMNS, stored_of
from shared.database.connections import Database
from shared.identifiers import FIRST_ID

DESCRIBE = f"SELECT {COLUMNS} FROM attachments WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL"
LIST = f"SELECT {COLUMNS} FROM attachments WHERE id > $1 ORDER BY id LIMIT $2"


class Artifacts:
    """`background` is the background role's."""

    def __init__(self, database: Database, background: Database) -> None:
        self._database, self._background = database, background

    async def there(self, workspace_id: UUID, attachment_ids: Sequence[UUID]) -> list[Stored]:
        async with self._database.reading(workspace_id) as connection:
            return [stored_of(row) for row in await connection.fetch(DESCRIBE, attachment_ids)]

    async def page(self, after: UUID | None, limit: int) -> list[Stored]:
        async with self._background.connection() as connection:
            return [stored_of(row) for row in await connection.fetch(LIST, after or FIRST_ID, limit)]
