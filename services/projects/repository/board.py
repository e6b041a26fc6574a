"""A whole board in three queries, whatever its size."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.projects.repository.access import standing
from services.projects.repository.columns import ALL
from services.projects.repository.rows import view
from shared.contracts.principal import Principal
from shared.contracts.projects.columns import TaskColumn
from shared.contracts.projects.tasks import MOST_SHOWN
from shared.database.connections import Database
from shared.database.readers import rfc3339

# The same as readers get it, in the contract's order; a test holds it to the contract's own form.
_CARD = f"""t.id, t.project_id AS "projectId", t.number, t.column_id AS "columnId", t.title, t.status, t.assignee_id AS "assigneeId",
    t.due_date AS "dueDate", t.priority, t.position, t.created_by AS "createdBy", {rfc3339("t.created_at")} AS "createdAt",
    {rfc3339("t.updated_at")} AS "updatedAt", t.version"""
_CARDS = f"""
    SELECT t.column_id, row_to_json(card)::text AS json, t.column_count FROM (
        SELECT t.*, c.position AS place FROM task_columns c CROSS JOIN LATERAL (
            SELECT *, count(*) OVER () AS column_count FROM tasks
            WHERE project_id = $1 AND column_id = c.id AND deleted_at IS NULL ORDER BY position, id LIMIT {MOST_SHOWN + 1}
        ) AS t
        WHERE c.project_id = $1 AND c.deleted_at IS NULL ORDER BY c.position, t.position, t.id LIMIT {MOST_SHOWN + 1}
    ) t CROSS JOIN LATERAL (SELECT {_CARD}) AS card ORDER BY t.place, t.position, t.id"""


class Shown(NamedTuple):
    """A board: its columns, the cards of each as JSON, and how many tasks each has that is shown."""

    columns: Sequence[TaskColumn]
    cards: dict[UUID, list[str]]
    counts: dict[UUID, int]
    partial: bool


class Boards:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, project_id: UUID, caller: Principal) -> Shown:
        """Raises `ProjectNotFound`."""
        async with self._database.reading(caller.workspace_id) as connection:
            await standing(connection, project_id, caller)
            columns = [view(TaskColumn, row) for row in await connection.fetch(ALL, project_id)]
            rows = await connection.fetch(_CARDS, project_id)
        cards: dict[UUID, list[str]] = {column.id: [] for column in columns}
        counts = dict.fromkeys(cards, 0)
        for row in rows[:MOST_SHOWN]:
            if row["column_id"] in cards:  # a column may be new since they were read
                cards[row["column_id"]].append(row["json"])
                counts[row["column_id"]] = row["column_count"]
        return Shown(columns, cards, counts, len(rows) > MOST_SHOWN)
