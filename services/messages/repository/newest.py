"""How far the messages of a thread go."""

from datetime import datetime
from uuid import UUID

from shared.database.connections import Database


class NewestMessages:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def at(self, workspace_id: UUID, thread_id: UUID) -> datetime | None:
        """By the thread's head, which every post moves."""
        async with self._database.reading(workspace_id) as connection:
            last: datetime | None = await connection.fetchval("SELECT last_at FROM heads WHERE thread_id = $1", thread_id)
        return last
