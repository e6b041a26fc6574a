"""Links to single files. A token is shown once; its hash is kept until it expires."""

import secrets
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from shared.contracts.attachments.links import LIFE
from shared.contracts.principal import Principal
from shared.database.connections import Database

_MAKE = """
    INSERT INTO links (token_hash, workspace_id, attachment_id, made_by, expires_at) VALUES ($1, $2, $3, $4, now() + $5)
    RETURNING expires_at"""

FORGET_LINKS = """
    DELETE FROM links WHERE ctid = ANY (ARRAY(SELECT ctid FROM links WHERE expires_at < now() ORDER BY expires_at LIMIT $1))"""


class Token(NamedTuple):
    text: str
    expires_at: datetime


class Linked(NamedTuple):
    """The file of a link."""

    workspace_id: UUID
    attachment_id: UUID


class Links:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(self, attachment_id: UUID, caller: Principal) -> Token:
        token = secrets.token_urlsafe(32)
        async with self._database.workspace(caller.workspace_id) as connection:
            expires_at = await connection.fetchval(_MAKE, _hash(token), caller.workspace_id, attachment_id, caller.user_id, LIFE)
        return Token(token, expires_at)

    async def find(self, token: str) -> Linked | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow("SELECT workspace_id, attachment_id FROM linked($1)", _hash(token))
        return Linked(row["workspace_id"], row["attachment_id"]) if row else None


def _hash(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()
