"""Tasks: made, found, listed, changed, deleted."""

from typing import Any
from uuid import UUID

import asyncpg

from services.projects.domain.board import Between
from services.projects.repository.access import standing
from services.projects.repository.changing import Changing, Inside
from services.projects.repository.members import are_members
from services.projects.repository.rows import escaped, view
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened, ProjectRole
from shared.contracts.projects.tasks import (
    BoardHasNoColumn,
    ChangeTask,
    CreateTask,
    DeleteTask,
    ListTasks,
    Task,
    TaskChanged,
    TaskNotFound,
)
from shared.contracts.refusals import FieldError, RequestIsInvalid
from shared.database.idempotency import claim
from shared.identifiers import new_id

TASK = """id, project_id, number, column_id, title, description, status, assignee_id, due_date, priority, position, created_by, created_at,
    updated_at, version"""
ONE = f"SELECT {TASK}, deleted_at FROM tasks WHERE id = $1 AND project_id = $2"
_COLUMN = """
    SELECT id, status, (
        SELECT max(position) FROM tasks WHERE project_id = $1 AND column_id = c.id AND deleted_at IS NULL
    ) AS last
    FROM task_columns c WHERE project_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id = $2) ORDER BY c.position LIMIT 1"""
_NUMBER = "UPDATE heads SET last_number = last_number + 1 WHERE project_id = $1 RETURNING last_number"
_PAGE = f"""
    SELECT {TASK} FROM tasks WHERE project_id = $1 AND deleted_at IS NULL AND number > $2
    AND ($3::uuid IS NULL OR column_id = $3) AND ($4::text IS NULL OR status = $4) AND ($5::uuid IS NULL OR assignee_id = $5)
    AND ($6::text IS NULL OR priority = $6) AND ($7::date IS NULL OR due_date >= $7) AND ($8::date IS NULL OR due_date <= $8)
    AND ($9::int IS NULL OR number = $9) AND ($10::text IS NULL OR title ILIKE $10 OR description ILIKE $10)
    ORDER BY number LIMIT $11"""
_FIELDS = ("title", "description", "assignee_id", "due_date", "priority")


class Tasks(Changing):
    async def get(self, project_id: UUID, task_id: UUID, caller: Principal) -> Task:
        """Raises `ProjectNotFound`, `TaskNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, project_id, caller)
            return here(await connection.fetchrow(ONE, task_id, project_id))

    async def page(self, request: ListTasks, after: int, caller: Principal) -> list[Task]:
        """From a number on, and one more where more follow. Raises `ProjectNotFound`."""
        async with self.database.reading(caller.workspace_id) as connection:
            await standing(connection, request.project_id, caller)
            rows = await connection.fetch(
                _PAGE,
                request.project_id,
                after,
                request.column_id,
                request.status,
                request.assignee_id,
                request.priority,
                request.due_from,
                request.due_to,
                request.number,
                f"%{escaped(request.q)}%" if request.q else None,
                request.limit + 1,
            )
        return [view(Task, row) for row in rows]

    async def create(self, request: CreateTask, caller: Principal) -> Task:
        """Raises `BoardHasNoColumn`, `RequestIsInvalid`, `MadeBefore`, and what every change of a project does."""

        async def work(inside: Inside) -> Task:
            task_id = new_id()
            await claim(inside.connection, request, caller, task_id)
            inside.standing.require(ProjectRole.MEMBER)
            await _refuse_stranger(inside, request.assignee_id)
            column = await inside.connection.fetchrow(_COLUMN, request.project_id, request.column_id)
            if column is None:
                raise BoardHasNoColumn if request.column_id is None else no_column()
            number = await inside.connection.fetchval(_NUMBER, request.project_id)
            fields = {name: getattr(request, name) for name in _FIELDS} | {
                "id": task_id,
                "number": number,
                "column_id": column["id"],
                "status": column["status"],
                "position": Between(column["last"], None).place(),
                "created_by": caller.user_id,
            }
            task = view(Task, await inside.insert("tasks", TASK, fields))
            await inside.tell(told(task, Happened.CREATED))
            return task

        return await self.within(request.project_id, caller, work)

    async def change(self, request: ChangeTask, caller: Principal) -> Task:
        """Raises `TaskNotFound`, `RequestIsInvalid`, and what every change of a project does."""

        async def work(inside: Inside) -> Task:
            inside.standing.require(ProjectRole.MEMBER)
            found = here(await inside.connection.fetchrow(ONE, request.task_id, request.project_id))
            fields: dict[str, Any] = {
                name: getattr(request, name)
                for name in _FIELDS
                if name in request.model_fields_set and getattr(request, name) != getattr(found, name)
            }
            await _refuse_stranger(inside, fields.get("assignee_id"))
            if not fields:
                return found
            task = view(Task, await inside.update("tasks", TASK, found.id, fields))
            await inside.tell(told(task, Happened.UPDATED))
            return task

        return await self.within(request.project_id, caller, work, reason=request.reason)

    async def delete(self, request: DeleteTask, caller: Principal) -> None:
        """Raises `TaskNotFound`, and what every change of a project does."""

        async def work(inside: Inside) -> None:
            inside.standing.require(ProjectRole.MAINTAINER)
            row = await inside.connection.fetchrow(ONE, request.task_id, request.project_id)
            if row is None:
                raise TaskNotFound
            if row["deleted_at"] is None:
                await inside.tell(told(view(Task, await inside.delete("tasks", TASK, request.task_id)), Happened.DELETED))

        await self.within(request.project_id, caller, work, reason=request.reason)


def here(row: asyncpg.Record | None) -> Task:
    if row is None or row["deleted_at"] is not None:
        raise TaskNotFound
    return view(Task, row)


def told(task: Task, change: Happened) -> TaskChanged:
    return TaskChanged(entity_id=task.id, version=task.version, project_id=task.project_id, change=change, task=task)


def no_column() -> RequestIsInvalid:
    detail = "No column of this project has this id."
    return RequestIsInvalid(errors=[FieldError(field="columnId", code="not_found", detail=detail)])


async def _refuse_stranger(inside: Inside, assignee_id: UUID | None) -> None:
    if assignee_id is not None and not await are_members(inside.connection, inside.project_id, assignee_id):
        detail = "No member of this project has this id."
        raise RequestIsInvalid(errors=[FieldError(field="assigneeId", code="not_a_member", detail=detail)])
