"""What threads and their participants were before each change."""

from typing import Any
from uuid import UUID

import asyncpg
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from shared.contracts.threads.history import Change, Changed
from shared.database.connections import Database

_OWN = {
    *("history_id", "changed_at", "operation_type", "changed_by", "reason", "workspace_id"),
    *("contact_key", "direct_key", "left_muted", "project_version"),
}

_PAGE = """
    SELECT * FROM (
        (SELECT 'thread' AS kind, h.id AS target_id, h.history_id, h.changed_at, h.operation_type, h.changed_by, h.reason,
            to_jsonb(h) AS before
        FROM threads_history h WHERE h.id = $1 AND ($2::uuid IS NULL OR h.history_id < $2) ORDER BY h.history_id DESC LIMIT $3)
        UNION ALL
        (SELECT 'participant', h.id, h.history_id, h.changed_at, h.operation_type, h.changed_by, h.reason, to_jsonb(h)
        FROM participants_history h WHERE h.thread_id = $1 AND ($2::uuid IS NULL OR h.history_id < $2)
        ORDER BY h.history_id DESC LIMIT $3)
    ) AS changes ORDER BY history_id DESC LIMIT $3"""


class History:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, workspace_id: UUID, thread_id: UUID, before: UUID | None, limit: int) -> list[Change]:
        """The newest changes, and one more where more follow."""
        async with self._database.reading(workspace_id) as connection:
            rows = await connection.fetch(_PAGE, thread_id, before, limit + 1)
        return [_change(row) for row in rows]


def _change(row: asyncpg.Record) -> Change:
    before: dict[str, Any] = {} if row["operation_type"] == "INSERT" else from_json(row["before"])
    return Change(
        id=row["history_id"],
        kind=Changed(row["kind"]),
        target_id=row["target_id"],
        operation=row["operation_type"],
        changed_at=row["changed_at"],
        changed_by=row["changed_by"],
        reason=row["reason"],
        before={to_camel(name): value for name, value in before.items() if name not in _OWN},
    )
