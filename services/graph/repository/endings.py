"""Threads of deleted projects, until nothing is left of what was said in them."""

from services.graph.repository.artifacts import end_said
from shared.database.connections import Database, once_more

AT_ONCE = 2_000  # messages and files of one transaction

NEXT = "SELECT thread_id FROM project_threads WHERE deleted AND NOT ended ORDER BY thread_id LIMIT 1 FOR UPDATE SKIP LOCKED"
_ENDED = "UPDATE project_threads SET ended = true WHERE thread_id = $1"


class Endings:
    """`background` is the background role's."""

    def __init__(self, background: Database) -> None:
        self._background = background

    async def some(self) -> bool:
        """The next of what was said; whether there was any left to do."""

        async def attempt() -> bool:
            async with self._background.installation() as connection:
                thread_id = await connection.fetchval(NEXT)
                if thread_id is not None and await end_said(connection, thread_id, AT_ONCE) < AT_ONCE:
                    await connection.execute(_ENDED, thread_id)
            return thread_id is not None

        return await once_more(attempt)
