"""What threads and their participants were before each change."""

from uuid import UUID

from shared.contracts.threads.history import Change, Changed
from shared.database.connections import Database
from shared.database.history import change_of

_OURS = {"contact_key", "direct_key", "left_muted", "project_version"}

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
        return [Change(kind=Changed(row["kind"]), **change_of(row, hidden=_OURS)) for row in rows]
