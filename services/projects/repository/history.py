"""What was in projects before each change."""

from uuid import UUID

from services.projects.repository.access import standing
from shared.contracts.principal import Principal
from shared.contracts.projects.history import GetProjectHistory, ProjectChange, ProjectThing
from shared.database.connections import Database
from shared.database.history import change_of
from shared.identifiers import LAST_ID

_TABLES = {
    ProjectThing.PROJECT: ("projects_history", "id"),
    ProjectThing.MEMBER: ("project_members_history", "project_id"),
    ProjectThing.COLUMN: ("task_columns_history", "project_id"),
    ProjectThing.TASK: ("tasks_history", "project_id"),
    ProjectThing.FILE: ("files_history", "project_id"),
    ProjectThing.PAGE: ("pages_history", "project_id"),
}


def _part(kind: ProjectThing, table: str, key: str) -> str:
    return f"""
        (SELECT '{kind}' AS kind, h.id AS target_id, h.history_id, h.changed_at, h.operation_type, h.changed_by, h.reason,
            to_jsonb(h) - 'content' - 'structure' AS before
        FROM {table} h WHERE h.{key} = $1 AND h.history_id < $2
        ORDER BY h.history_id DESC LIMIT $3)"""


_PARTS = " UNION ALL ".join(_part(kind, *place) for kind, place in _TABLES.items())
_PAGE = f"SELECT * FROM ({_PARTS}) AS changes ORDER BY history_id DESC LIMIT $3"


class History:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, request: GetProjectHistory, before: UUID | None, caller: Principal) -> list[ProjectChange]:
        """The newest changes, and one more where more follow. Raises `ProjectNotFound`."""
        async with self._database.reading(caller.workspace_id) as connection:
            await standing(connection, request.project_id, caller)
            rows = await connection.fetch(_PAGE, request.project_id, before or LAST_ID, request.limit + 1)
        return [ProjectChange(kind=ProjectThing(row["kind"]), **change_of(row)) for row in rows]
