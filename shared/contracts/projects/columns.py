"""The columns of a project's board."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.model import Event, Nothing, Reason, Request, Time, TrimmedText, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import Happened, ProjectIsArchived, ProjectNotFound, ProjectRoleIsNotEnough
from shared.contracts.refusals import Conflict, NotFound

MOST_COLUMNS = 50
ColumnName = Annotated[TrimmedText, Field(min_length=1, max_length=64)]
ColumnPosition = Annotated[int, Field(strict=True, ge=0, lt=MOST_COLUMNS)]


class TaskStatus(StrEnum):
    """What tasks in a column are (spec 4, tasks)."""

    TODO = "TODO"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"


class TaskColumn(View):
    """A column. position: 0, 1, 2 … from the left."""

    id: UUID
    project_id: UUID
    name: str
    status: TaskStatus
    position: int
    created_at: Time
    updated_at: Time
    version: int


class TaskColumns(View):
    """All of a project, from the left."""

    columns: list[TaskColumn]


class ColumnNotFound(NotFound):
    """There is no such column in this project."""


class ColumnHasTasks(Conflict):
    """The column holds tasks; move them elsewhere first."""


class ColumnsAreTooMany(Conflict):
    """The board has as many columns as it may have."""


class ListColumns(Request):
    project_id: UUID


class CreateColumn(Request):
    """Put a column on the board: at its end, or at a position, from where on the others move to the right."""

    project_id: UUID
    name: ColumnName
    status: TaskStatus = TaskStatus.TODO
    position: ColumnPosition | None = None


class GetColumn(Request):
    project_id: UUID
    column_id: UUID


class ChangeColumn(Request):
    """Change what is sent. Another status is that of the column's tasks too; another position moves the columns between."""

    project_id: UUID
    column_id: UUID
    name: ColumnName = ""
    status: TaskStatus = TaskStatus.TODO
    position: ColumnPosition = 0
    reason: Reason | None = None


class DeleteColumn(Request):
    """Take an empty column off the board."""

    project_id: UUID
    column_id: UUID
    reason: Reason | None = None


_CHANGES = (ProjectNotFound, ProjectIsArchived, ProjectRoleIsNotEnough)
LIST_COLUMNS = Operation(ListColumns, TaskColumns, called_by=[GATEWAY], refuses=[ProjectNotFound])
CREATE_COLUMN = Operation(CreateColumn, TaskColumn, called_by=[GATEWAY], refuses=[*_CHANGES, ColumnsAreTooMany], keyed=True)
GET_COLUMN = Operation(GetColumn, TaskColumn, called_by=[GATEWAY], refuses=[ProjectNotFound, ColumnNotFound])
CHANGE_COLUMN = Operation(ChangeColumn, TaskColumn, called_by=[GATEWAY], refuses=[*_CHANGES, ColumnNotFound])
DELETE_COLUMN = Operation(DeleteColumn, Nothing, called_by=[GATEWAY], refuses=[*_CHANGES, ColumnNotFound, ColumnHasTasks])


class ColumnChanged(Event):
    """A column is there, is another than before, is elsewhere (`moved`), or is gone."""

    project_id: UUID
    change: Happened
    column: TaskColumn
