"""A database that tells what it was asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from shared.database.connections import Connection, Database


class Watched(Database):
    """Keeps what it is asked."""

    queries: list[str]

    @asynccontextmanager
    async def reading(self, workspace_id: UUID) -> AsyncIterator[Connection]:
        async with super().reading(workspace_id) as connection:
            with connection.query_logger(lambda asked: self.queries.append(asked.query)):
                yield connection
