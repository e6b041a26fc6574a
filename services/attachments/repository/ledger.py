"""Which objects rows know of, and which objects rows need: what the store is compared with."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.attachments.repository.scans import QUARANTINE
from services.attachments.repository.staged import STAGING
from services.attachments.repository.uploads import FILES
from services.attachments.sweep import PREVIEWS
from shared.database.connections import Database

KINDS = (FILES, QUARANTINE, PREVIEWS, STAGING)
_KEY = re.compile(r"(?P<base>(?P<kind>[a-z]+)/../../(?P<name>[0-9a-f]{32}))(?:-(?P<width>\d{1,5}))?(?P<rest>.*)", re.DOTALL)

# An upload owns all that begins with its key; a row its own object, its previews, and what is on its way to quarantine.
UNKNOWN = """
    SELECT key FROM unnest($1::text[], $2::text[], $3::uuid[], $4::integer[]) AS object (key, base, id, width)
    WHERE NOT EXISTS (SELECT FROM attachments WHERE storage_key = object.key AND purged_at IS NULL)
        AND NOT EXISTS (SELECT FROM uploads WHERE storage_key = object.base)
        AND NOT EXISTS (SELECT FROM staged WHERE storage_key = object.key)
        AND NOT EXISTS (
            SELECT FROM attachments a WHERE a.id = object.id AND a.purged_at IS NULL
                AND CASE WHEN object.width IS NULL THEN a.scan_status = 'infected'
                    ELSE a.previewed_at IS NULL OR object.width = ANY(a.preview_widths) END)"""

NEEDED = """
    SELECT id, storage_key FROM attachments
    WHERE id > $1 AND purged_at IS NULL AND deleted_at IS NULL AND created_at < now() - interval '1 hour' ORDER BY id LIMIT $2"""
_KEY_OF = "SELECT storage_key FROM attachments WHERE id = $1 AND purged_at IS NULL AND deleted_at IS NULL"


class Needed(NamedTuple):
    """A row that needs its object."""

    attachment_id: UUID
    key: str


class _Named(NamedTuple):
    """What a key says of its owner. id: of the row, where the key is made of it."""

    key: str
    base: str
    id: UUID | None
    width: int | None


class Ledger:
    """`background` sees all workspaces."""

    def __init__(self, background: Database) -> None:
        self._background = background

    async def unknown(self, keys: Sequence[str]) -> set[str]:
        """Those of keys that no row knows of."""
        named = [_named(key) for key in keys]
        columns = [list(column) for column in zip(*named, strict=True)] if named else [[], [], [], []]
        async with self._background.connection() as connection:
            return {row["key"] for row in await connection.fetch(UNKNOWN, *columns)}

    async def needed(self, after: UUID, most: int) -> list[Needed]:
        async with self._background.connection() as connection:
            return [Needed(row["id"], row["storage_key"]) for row in await connection.fetch(NEEDED, after, most)]

    async def key_of(self, attachment_id: UUID) -> str | None:
        """Now; none where the object is needed no more."""
        async with self._background.connection() as connection:
            key: str | None = await connection.fetchval(_KEY_OF, attachment_id)
        return key


def _named(key: str) -> _Named:
    found = _KEY.fullmatch(key)
    if found is None:
        return _Named(key, key, None, None)
    is_preview = found["kind"] == PREVIEWS and found["width"] is not None
    is_ours = not found["rest"] and (is_preview or (found["kind"] == QUARANTINE and found["width"] is None))
    return _Named(key, found["base"], UUID(found["name"]) if is_ours else None, int(found["width"]) if is_preview else None)
