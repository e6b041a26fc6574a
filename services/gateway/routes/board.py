"""A project's board over HTTP: its columns and tasks."""

from services.gateway.replies import Created, NoContent, Ok
from services.gateway.routing import Call, route
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.projects.columns import (
    CHANGE_COLUMN,
    CREATE_COLUMN,
    DELETE_COLUMN,
    GET_COLUMN,
    LIST_COLUMNS,
    ChangeColumn,
    CreateColumn,
    DeleteColumn,
    GetColumn,
    ListColumns,
    TaskColumn,
    TaskColumns,
)
from shared.contracts.projects.tasks import (
    CHANGE_TASK,
    CREATE_TASK,
    DELETE_TASK,
    GET_BOARD,
    GET_TASK,
    LIST_TASKS,
    MOVE_TASK,
    Board,
    ChangeTask,
    CreateTask,
    DeleteTask,
    GetBoard,
    GetTask,
    ListTasks,
    MoveTask,
    Task,
    TaskPage,
)

BOARD = "/api/projects/{projectId}/board"
COLUMNS = "/api/projects/{projectId}/columns"
COLUMN = COLUMNS + "/{columnId}"
TASKS = "/api/projects/{projectId}/tasks"
TASK = TASKS + "/{taskId}"


@route("GET", BOARD, GET_BOARD, needs=Permission.PROJECT_READ)
async def get_board(request: GetBoard, caller: Principal, call: Call) -> Ok[Board]:
    """The whole board: its columns from the left, each with its tasks from the top."""
    return Ok(await call.answer(GET_BOARD, request, caller))


@route("GET", COLUMNS, LIST_COLUMNS, needs=Permission.PROJECT_READ)
async def list_columns(request: ListColumns, caller: Principal, call: Call) -> Ok[TaskColumns]:
    """The columns of a board, from the left."""
    return Ok(await call.answer(LIST_COLUMNS, request, caller))


@route("POST", COLUMNS, CREATE_COLUMN, needs=Permission.PROJECT_TASKS)
async def create_column(request: CreateColumn, caller: Principal, call: Call) -> Created[TaskColumn]:
    """Put a column on the board."""
    return Created(await call.answer(CREATE_COLUMN, request, caller), at=f"/api/projects/{request.project_id}/columns/{{id}}")


@route("GET", COLUMN, GET_COLUMN, needs=Permission.PROJECT_READ)
async def get_column(request: GetColumn, caller: Principal, call: Call) -> Ok[TaskColumn]:
    """One column."""
    return Ok(await call.answer(GET_COLUMN, request, caller))


@route("PATCH", COLUMN, CHANGE_COLUMN, needs=Permission.PROJECT_TASKS)
async def change_column(request: ChangeColumn, caller: Principal, call: Call) -> Ok[TaskColumn]:
    """Give a column another name, status or position."""
    return Ok(await call.answer(CHANGE_COLUMN, request, caller))


@route("DELETE", COLUMN, DELETE_COLUMN, needs=Permission.PROJECT_TASKS)
async def delete_column(request: DeleteColumn, caller: Principal, call: Call) -> NoContent:
    """Take an empty column off the board."""
    await call.answer(DELETE_COLUMN, request, caller)
    return NoContent()


@route("GET", TASKS, LIST_TASKS, needs=Permission.PROJECT_READ)
async def list_tasks(request: ListTasks, caller: Principal, call: Call) -> Ok[TaskPage]:
    """The tasks of a project by their numbers: all, or those that the filters name."""
    return Ok(await call.answer(LIST_TASKS, request, caller))


@route("POST", TASKS, CREATE_TASK, needs=Permission.PROJECT_TASKS)
async def create_task(request: CreateTask, caller: Principal, call: Call) -> Created[Task]:
    """Make a task, at the end of a column."""
    return Created(await call.answer(CREATE_TASK, request, caller), at=f"/api/projects/{request.project_id}/tasks/{{id}}")


@route("GET", TASK, GET_TASK, needs=Permission.PROJECT_READ)
async def get_task(request: GetTask, caller: Principal, call: Call) -> Ok[Task]:
    """One task."""
    return Ok(await call.answer(GET_TASK, request, caller))


@route("PATCH", TASK, CHANGE_TASK, needs=Permission.PROJECT_TASKS)
async def change_task(request: ChangeTask, caller: Principal, call: Call) -> Ok[Task]:
    """Change the fields of a task that are sent."""
    return Ok(await call.answer(CHANGE_TASK, request, caller))


@route("POST", TASK + "/move", MOVE_TASK, needs=Permission.PROJECT_TASKS)
async def move_task(request: MoveTask, caller: Principal, call: Call) -> Ok[Task]:
    """Put a task into a column, right after another or at the top; it takes the column's status."""
    return Ok(await call.answer(MOVE_TASK, request, caller))


@route("DELETE", TASK, DELETE_TASK, needs=Permission.PROJECT_TASKS)
async def delete_task(request: DeleteTask, caller: Principal, call: Call) -> NoContent:
    """Delete a task."""
    await call.answer(DELETE_TASK, request, caller)
    return NoContent()
