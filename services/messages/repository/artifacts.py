"""Messages as the graph knows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.messages.domain import HiddenFrom
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.messages.artifacts import MessageArtifact
from shared.database.connections import Database
from shared.identifiers import FIRST_ID, time_of
from shared.preview import preview

_COLUMNS = "id, workspace_id, thread_id, content, version, deleted_at IS NOT NULL AS deleted"
DESCRIBE = f"""
    SELECT found.* FROM unnest($1::uuid[], $2::timestamptz[]) AS wanted (id, at) CROSS JOIN LATERAL (
        SELECT {_COLUMNS}, hidden_from, created_at FROM messages
        WHERE id = wanted.id AND created_at = wanted.at AND deleted_at IS NULL LIMIT 1) AS found"""
LIST = f"SELECT {_COLUMNS}, reply_to, author_id FROM messages WHERE id > $1 ORDER BY id LIMIT $2"


@dataclass(frozen=True, slots=True)
class Described:
    """A message, and what decides who of its thread sees it."""

    artifact: Artifact
    thread_id: UUID
    hidden_from: HiddenFrom
    created_at: datetime


class Artifacts:
    """`background` is the background role's."""

    def __init__(self, database: Database, background: Database) -> None:
        self._database, self._background = database, background

    async def there(self, workspace_id: UUID, message_ids: Sequence[UUID]) -> list[Described]:
        wanted = {message_id: at for message_id in message_ids if (at := time_of(message_id)) is not None}
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(DESCRIBE, list(wanted), list(wanted.values()))
        return [Described(Artifact(**_fields(row)), row["thread_id"], HiddenFrom(row["hidden_from"]), row["created_at"]) for row in rows]

    async def page(self, after: UUID | None, limit: int) -> list[MessageArtifact]:
        async with self._background.connection() as connection:
            rows = await connection.fetch(LIST, after or FIRST_ID, limit)
        return [
            MessageArtifact(
                **_fields(row),
                reply_to=row["reply_to"],
                author_id=row["author_id"],
                content="" if row["deleted"] else row["content"],
            )
            for row in rows
        ]


def _fields(row: asyncpg.Record) -> dict[str, object]:
    title = "" if row["deleted"] else preview(row["content"])
    named = {name: row[name] for name in ("id", "workspace_id", "thread_id", "version", "deleted")}
    return {"type": ArtifactType.MESSAGE, "project_id": None, "title": title, **named}
