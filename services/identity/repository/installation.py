"""What belongs to the installation and is made once: the keys of its tokens, and its default workspace."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from joserfc.jwk import ECKey, OctKey
from pydantic_core import from_json, to_json

from services.identity.tokens import new_access_key, new_refresh_key
from shared.database.connections import Connection, Database

type Purpose = Literal["access", "refresh"]

# Of several replicas that start for the first time at once, one makes the key.
_MAKE = "INSERT INTO signing_keys (id, purpose, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"

_CURRENT = "SELECT key FROM signing_keys WHERE purpose = $1 AND retired_at IS NULL"


@dataclass(frozen=True, slots=True)
class Keys:
    access: ECKey
    refresh: bytes


async def load_keys(database: Database) -> Keys:
    """The installation's keys, which are made at its first start."""
    async with database.connection() as connection:
        access = ECKey.import_key(from_json(await _current(connection, "access", new_access_key)))
        refresh = OctKey.import_key(from_json(await _current(connection, "refresh", new_refresh_key)))
    return Keys(access, refresh.raw_value)


async def default_workspace(database: Database) -> UUID:
    async with database.connection() as connection:
        workspace_id: UUID = await connection.fetchval("SELECT default_workspace()")
    return workspace_id


async def _current(connection: Connection, purpose: Purpose, make: Callable[[], ECKey | OctKey]) -> str:
    kept: str | None = await connection.fetchval(_CURRENT, purpose)
    if kept is not None:
        return kept
    key = make()
    await connection.execute(_MAKE, key.thumbprint(), purpose, to_json(key.as_dict(private=True)).decode())
    made: str = await connection.fetchval(_CURRENT, purpose)
    return made
