"""Tasks, and the board that they are on."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.contracts.model import Event, Nothing, Reason, Request, Text, Time, TrimmedText, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import Happened, ProjectIsArchived, ProjectNotFound, ProjectRoleIsNotEnough
from shared.contracts.projects.columns import TaskColumn, TaskStatus
from shared.contracts.projects.projects import Cursor, Limit
from shared.contracts.refusals import Conflict, CursorIsNotValid, NotFound, RequestIsInvalid

MOST_SHOWN = 4_000
"""Tasks that a board shows at once; a list of tasks goes on."""

TaskTitle = Annotated[TrimmedText, Field(min_length=1, max_length=255)]
TaskDescription = Annotated[Text, StringConstraints(max_length=20_000)]


class Priority(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class TaskCard(View):
    """A task as a board shows it. number: its own in the project (`#T-12`). status: its column's.

    position: orders the tasks of a column; nothing else is to be read from it.
    """

    id: UUID
    project_id: UUID
    number: int
    column_id: UUID
    title: str
    status: TaskStatus
    assignee_id: UUID | None
    due_date: date | None
    priority: Priority | None
    position: int
    created_by: UUID
    created_at: Time
    updated_at: Time
    version: int


class Task(TaskCard):
    """A task with all that is said of it."""

    description: str | None


class TaskPage(View):
    """By their numbers."""

    tasks: list[Task]
    has_more: bool
    next_cursor: str | None


class BoardColumn(TaskColumn):
    """A column with its tasks from the top, and how many it has in all."""

    tasks: list[TaskCard]
    task_count: int


class Board(View):
    """All columns from the left. partial: the project has more tasks than a board shows."""

    project_id: UUID
    columns: list[BoardColumn]
    partial: bool


class TaskNotFound(NotFound):
    """There is no such task in this project."""


class BoardHasNoColumn(Conflict):
    """The board has no column that a task could be in."""


class GetBoard(Request):
    project_id: UUID


class ListTasks(Request):
    """The tasks of a project. dueFrom and dueTo are both within. q: a part of the title or description."""

    project_id: UUID
    column_id: UUID | None = None
    status: TaskStatus | None = None
    assignee_id: UUID | None = None
    priority: Priority | None = None
    due_from: date | None = None
    due_to: date | None = None
    number: Annotated[int, Field(ge=1, le=2_147_483_647)] | None = None
    q: Annotated[Text, StringConstraints(min_length=1, max_length=200)] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class GetTask(Request):
    project_id: UUID
    task_id: UUID


class CreateTask(Request):
    """Make a task, at the end of a column: of the first, where none is named."""

    project_id: UUID
    title: TaskTitle
    description: TaskDescription | None = None
    column_id: UUID | None = None
    assignee_id: UUID | None = None
    due_date: date | None = None
    priority: Priority | None = None


class ChangeTask(Request):
    """Change what is sent. To move a task is an operation of its own."""

    project_id: UUID
    task_id: UUID
    title: TaskTitle = ""
    description: TaskDescription | None = None
    assignee_id: UUID | None = None
    due_date: date | None = None
    priority: Priority | None = None
    reason: Reason | None = None


class MoveTask(Request):
    """Put a task into a column, right after another; without one, at the top. It takes the column's status.

    Where the other one has gone to another column meanwhile, the task comes to the column's end.
    """

    project_id: UUID
    task_id: UUID
    column_id: UUID
    after_id: UUID | None = None


class DeleteTask(Request):
    project_id: UUID
    task_id: UUID
    reason: Reason | None = None


_CHANGES = (ProjectNotFound, ProjectIsArchived, ProjectRoleIsNotEnough)
GET_BOARD = Operation(GetBoard, Board, called_by=[GATEWAY], refuses=[ProjectNotFound], coalesced=False)
LIST_TASKS = Operation(ListTasks, TaskPage, called_by=[GATEWAY], refuses=[ProjectNotFound, CursorIsNotValid], coalesced=False)
GET_TASK = Operation(GetTask, Task, called_by=[GATEWAY], refuses=[ProjectNotFound, TaskNotFound])
CREATE_TASK = Operation(CreateTask, Task, called_by=[GATEWAY], refuses=[*_CHANGES, BoardHasNoColumn, RequestIsInvalid], keyed=True)
CHANGE_TASK = Operation(ChangeTask, Task, called_by=[GATEWAY], refuses=[*_CHANGES, TaskNotFound, RequestIsInvalid])
MOVE_TASK = Operation(MoveTask, Task, called_by=[GATEWAY], refuses=[*_CHANGES, TaskNotFound, RequestIsInvalid])
DELETE_TASK = Operation(DeleteTask, Nothing, called_by=[GATEWAY], refuses=[*_CHANGES, TaskNotFound])


class TaskChanged(Event):
    """A task is there, is another than before, is elsewhere on the board (`moved`), or is gone."""

    project_id: UUID
    change: Happened
    task: Task
