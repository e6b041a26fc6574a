"""Lists in the order of their ids."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from shared import cursors
from shared.identifiers import FIRST_ID


async def page_by_id[T](
    kind: str, cursor: str | None, limit: int, read: Callable[[UUID, int], Awaitable[list[T]]], id_of: Callable[[T], UUID]
) -> tuple[list[T], str | None]:
    """A page, and the cursor of the next one. `kind` names the list and whose it is."""
    (after,) = cursors.decode(kind, cursor, cursors.ID) if cursor else (FIRST_ID,)
    found = await read(after, limit + 1)
    page = found[:limit]
    return page, cursors.encode(kind, id_of(page[-1])) if len(found) > limit else None
