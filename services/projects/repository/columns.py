"""The columns of boards."""

from typing import Any
from uuid import UUID

import asyncpg

from services.projects.domain.board import FIRST_COLUMNS, reordered
from services.projects.repository.access import standing
from services.projects.repository.changing import Changing, Inside
from services.projects.repository.rows import view
from services.projects.repository.tasks import TASK
from services.projects.repository.tasks import told as task_told
from shared.contracts.model import Event
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened, ProjectRole
from shared.contracts.projects.columns import (
    MOST_COLUMNS,
    ChangeColumn,
    ColumnChanged,
    ColumnHasTasks,
    ColumnNotFound,
    ColumnsAreTooMany,
    CreateColumn,
    DeleteColumn,
    TaskColumn,
)
from shared.contracts.projects.tasks import Task
from shared.database.connections import Connection
from shared.database.idempotency import claim
from shared.identifiers import new_id

COLUMN = "id, project_id, name, status, position, created_at, updated_at, version"
ALL = f"SELECT {COLUMN} FROM task_columns WHERE project_id = $1 AND deleted_at IS NULL ORDER BY position, id"
_ONE = f"SELECT {COLUMN}, deleted_at FROM task_columns WHERE id = $1 AND project_id = $2"
_FIRST = """
    INSERT INTO task_columns (workspace_id, project_id, id, name, status, position)
    SELECT $1, $2, id, name, status, place - 1
    FROM unnest($3::uuid[], $4::text[], $5::text[]) WITH ORDINALITY AS new (id, name, status, place)"""
_PLACE = f"""
    UPDATE task_columns c SET position = new.place - 1, version = version + 1, updated_at = $2
    FROM unnest($1::uuid[]) WITH ORDINALITY AS new (id, place) WHERE c.id = new.id AND c.position <> new.place - 1
    RETURNING {", ".join(f"c.{part.strip()}" for part in COLUMN.split(","))}"""
_HAS_TASKS = "SELECT EXISTS (SELECT FROM tasks WHERE project_id = $1 AND column_id = $2 AND deleted_at IS NULL)"
_MIRROR = f"""
    UPDATE tasks SET status = $3, version = version + 1, updated_at = $4
    WHERE project_id = $1 AND column_id = $2 AND deleted_at IS NULL RETURNING {TASK}"""


class Columns(Changing):
    async def all(self, project_id: UUID, caller: Principal) -> list[TaskColumn]:
        """Raises `ProjectNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, project_id, caller)
            return await _all(connection, project_id)

    async def get(self, project_id: UUID, column_id: UUID, caller: Principal) -> TaskColumn:
        """Raises `ProjectNotFound`, `ColumnNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, project_id, caller)
            return _here(await connection.fetchrow(_ONE, column_id, project_id))

    async def create(self, request: CreateColumn, caller: Principal) -> TaskColumn:
        """Raises `ColumnsAreTooMany`, `MadeBefore`, and what every change of a project does."""

        async def work(inside: Inside) -> TaskColumn:
            column_id = new_id()
            await claim(inside.connection, request, caller, column_id)
            inside.standing.require(ProjectRole.MAINTAINER)
            there = await _all(inside.connection, request.project_id)
            if len(there) >= MOST_COLUMNS:
                raise ColumnsAreTooMany
            fields = {"id": column_id, "name": request.name, "status": request.status.value, "position": len(there)}
            await inside.insert("task_columns", "id", fields)
            if request.position is not None and request.position < len(there):
                await _place(inside, reordered([column.id for column in there], column_id, request.position), but=column_id)
            column = _here(await inside.connection.fetchrow(_ONE, column_id, request.project_id))
            await inside.tell(_told(column, Happened.CREATED))
            return column

        return await self.within(request.project_id, caller, work)

    async def change(self, request: ChangeColumn, caller: Principal) -> TaskColumn:
        """Raises `ColumnNotFound`, and what every change of a project does."""

        async def work(inside: Inside) -> TaskColumn:
            inside.standing.require(ProjectRole.MAINTAINER)
            found = _here(await inside.connection.fetchrow(_ONE, request.column_id, request.project_id))
            sent = request.model_fields_set & {"name", "status"}
            wanted: dict[str, Any] = {name: getattr(request, name) for name in sorted(sent)}
            fields = {name: value for name, value in wanted.items() if value != getattr(found, name)}
            if fields:
                await inside.tell(_told(view(TaskColumn, await inside.update("task_columns", COLUMN, found.id, fields)), Happened.UPDATED))
            if "status" in fields:
                await _mirror(inside, found.id, fields["status"])
            if "position" in request.model_fields_set:
                there = await _all(inside.connection, request.project_id)
                await _place(inside, reordered([column.id for column in there], found.id, request.position))
            return _here(await inside.connection.fetchrow(_ONE, found.id, request.project_id))

        return await self.within(request.project_id, caller, work, reason=request.reason)

    async def delete(self, request: DeleteColumn, caller: Principal) -> None:
        """Raises `ColumnNotFound`, `ColumnHasTasks`, and what every change of a project does."""

        async def work(inside: Inside) -> None:
            inside.standing.require(ProjectRole.MAINTAINER)
            row = await inside.connection.fetchrow(_ONE, request.column_id, request.project_id)
            if row is not None and row["deleted_at"] is not None:
                return
            found = _here(row)
            if await inside.connection.fetchval(_HAS_TASKS, request.project_id, found.id):
                raise ColumnHasTasks
            gone = view(TaskColumn, await inside.delete("task_columns", COLUMN, found.id))
            await inside.tell(_told(gone, Happened.DELETED))
            await _place(inside, [column.id for column in await _all(inside.connection, request.project_id)])

        await self.within(request.project_id, caller, work, reason=request.reason)


async def first_columns(connection: Connection, workspace_id: UUID, project_id: UUID) -> list[Event]:
    """Those that a new project has."""
    names, statuses = [name for name, _ in FIRST_COLUMNS], [status.value for _, status in FIRST_COLUMNS]
    await connection.execute(_FIRST, workspace_id, project_id, [new_id() for _ in names], names, statuses)
    return [_told(column, Happened.CREATED) for column in await _all(connection, project_id)]


async def _all(connection: Connection, project_id: UUID) -> list[TaskColumn]:
    return [view(TaskColumn, row) for row in await connection.fetch(ALL, project_id)]


async def _place(inside: Inside, order: list[UUID], *, but: UUID | None = None) -> None:
    """Let the columns stand in this order, and tell of those that moved. but: one that is told of otherwise."""
    rows = await inside.connection.fetch(_PLACE, order, inside.now)
    await inside.tell(*(_told(view(TaskColumn, row), Happened.MOVED) for row in rows if row["id"] != but))


async def _mirror(inside: Inside, column_id: UUID, status: str) -> None:
    rows = await inside.connection.fetch(_MIRROR, inside.project_id, column_id, status, inside.now)
    await inside.tell(*(task_told(view(Task, row), Happened.UPDATED) for row in rows))


def _here(row: asyncpg.Record | None) -> TaskColumn:
    if row is None or row["deleted_at"] is not None:
        raise ColumnNotFound
    return view(TaskColumn, row)


def _told(column: TaskColumn, change: Happened) -> ColumnChanged:
    return ColumnChanged(entity_id=column.id, version=column.version, project_id=column.project_id, change=change, column=column)
