"""How far the graph was filled from each owner."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from shared.database.connections import Connection, Database, once_more

AT_ONCE = 500  # artifacts of one page

_OPEN = """
    SELECT owner FROM unnest($1::text[]) AS asked (owner)
    WHERE NOT EXISTS (SELECT FROM fills f WHERE f.owner = asked.owner AND f.filled_at IS NOT NULL)"""
_BEGIN = "INSERT INTO fills (owner) VALUES ($1) ON CONFLICT DO NOTHING"
_LOCK = "SELECT after, filled_at FROM fills WHERE owner = $1 FOR UPDATE"
_MOVE = """
    UPDATE fills SET after = coalesce($2, after), artifacts = artifacts + $3, filled_at = CASE WHEN $4 THEN now() END WHERE owner = $1"""


class Turn:
    """One owner's pages, one after the other."""

    def __init__(self, background: Database, owner: str) -> None:
        self._background, self._owner = background, owner
        self.after: UUID | None = None
        self.is_open = True

    async def look(self) -> None:
        async with self._background.installation() as connection:
            await connection.execute(_BEGIN, self._owner)
            row = await connection.fetchrow(_LOCK, self._owner)
            assert row is not None
            self.after, self.is_open = row["after"], row["filled_at"] is None

    async def keep(self, keep: Callable[[Connection], Awaitable[None]], last: UUID | None, count: int) -> None:
        """A page, and that it was had, in one transaction; unless another process went on meanwhile."""

        async def attempt() -> None:
            async with self._background.installation() as connection:
                row = await connection.fetchrow(_LOCK, self._owner)
                assert row is not None
                if row["after"] == self.after and row["filled_at"] is None:
                    await keep(connection)
                    await connection.execute(_MOVE, self._owner, last, count, count < AT_ONCE)

        await once_more(attempt)
        await self.look()


class Fills:
    """`background` is the background role's."""

    def __init__(self, background: Database) -> None:
        self._background = background

    async def open(self, owners: Sequence[str]) -> list[str]:
        """Those that were not filled to their end."""
        async with self._background.connection() as connection:
            return [row["owner"] for row in await connection.fetch(_OPEN, owners)]

    async def turn(self, owner: str) -> Turn:
        turn = Turn(self._background, owner)
        await turn.look()
        return turn
