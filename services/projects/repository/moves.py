"""Tasks that are moved on a board: all that wait for one project in one transaction, each as if it were alone."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.projects.domain.access import Standing
from services.projects.domain.board import GAP, Between
from services.projects.repository.access import standings
from services.projects.repository.changing import lock
from services.projects.repository.rows import view
from services.projects.repository.tasks import TASK, no_column, told
from shared.contracts.model import Event
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened, ProjectNotFound, ProjectRole
from shared.contracts.projects.tasks import MoveTask, Task, TaskNotFound
from shared.contracts.refusals import FieldError, Refusal, RequestIsInvalid
from shared.database.connections import Connection, Database, committed
from shared.database.groups import Groups
from shared.outbox.outbox import emission, emit

# The neighbours are looked up by the index in their order, each time: the move before this one may have changed them.
_LOOK = """
    SELECT t.id, t.column_id, t.position, c.id AS target, c.status, a.id AS anchor, a.column_id AS anchor_column,
        CASE WHEN a.column_id = c.id THEN a.position END AS before,
        (SELECT n.position FROM tasks n WHERE n.project_id = $1 AND n.column_id = c.id AND n.deleted_at IS NULL AND n.id <> $2
            AND n.position > CASE WHEN a.id IS NULL THEN -9223372036854775808 ELSE a.position END ORDER BY n.position LIMIT 1) AS after,
        (SELECT n.position FROM tasks n WHERE n.project_id = $1 AND n.column_id = c.id AND n.deleted_at IS NULL AND n.id <> $2
            ORDER BY n.position DESC LIMIT 1) AS last
    FROM (SELECT) AS one
    LEFT JOIN tasks t ON t.id = $2 AND t.project_id = $1 AND t.deleted_at IS NULL
    LEFT JOIN task_columns c ON c.id = $3 AND c.project_id = $1 AND c.deleted_at IS NULL
    LEFT JOIN tasks a ON a.id = $4 AND a.project_id = $1 AND a.deleted_at IS NULL"""

# Each change names its own actor: the transaction is of several.
_ACTOR = "set_config('app.actor', $2, true) = $2"
_MOVE = f"""
    UPDATE tasks SET column_id = $3, status = $4, position = $5, version = version + 1, updated_at = clock_timestamp()
    WHERE id = $1 AND {_ACTOR} RETURNING {TASK}"""
_SPREAD = f"""
    UPDATE tasks t SET position = new.place * {GAP}, version = version + 1, updated_at = clock_timestamp()
    FROM (
        SELECT n.id, row_number() OVER (ORDER BY n.position, n.id) AS place FROM tasks n
        WHERE n.project_id = $1 AND n.column_id = $3 AND n.deleted_at IS NULL
    ) AS new
    WHERE t.id = new.id AND {_ACTOR} RETURNING {", ".join(f"t.{part.strip()}" for part in TASK.split(","))}"""


class Move(NamedTuple):
    request: MoveTask
    caller: Principal


class Moves:
    """Many people drag at once: a transaction for each would wait for the one before it."""

    def __init__(self, database: Database, on_commit: Callable[[], None]) -> None:
        self._database, self._on_commit = database, on_commit
        self._groups = Groups(self._work, most=100)

    async def move(self, request: MoveTask, caller: Principal) -> Task:
        """Raises `ProjectNotFound`, `ProjectIsArchived`, `TaskNotFound`, `RequestIsInvalid`."""
        return await self._groups.join((caller.workspace_id, request.project_id), Move(request, caller))

    async def _work(self, key: tuple[UUID, UUID], moves: Sequence[Move]) -> Sequence[Task | Refusal]:
        workspace_id, project_id = key

        async def attempt() -> list[Task | Refusal]:
            async with self._database.workspace(workspace_id) as connection:
                await lock(connection, project_id)
                found = await standings(connection, [(project_id, move.caller.user_id) for move in moves])
                events: list[Event] = []
                outcomes = [await _outcome(connection, move, standing, events) for move, standing in zip(moves, found, strict=True)]
                await emit(connection, *(emission(event, workspace_id, project_id) for event in events))
                return outcomes

        return await committed(attempt, self._on_commit)


async def _outcome(connection: Connection, move: Move, standing: Standing | None, events: list[Event]) -> Task | Refusal:
    try:
        if standing is None:
            raise ProjectNotFound
        standing.require(ProjectRole.MEMBER)
        return await _moved(connection, move, events)
    except Refusal as refusal:
        return refusal


async def _moved(connection: Connection, move: Move, events: list[Event]) -> Task:
    request, actor = move.request, str(move.caller.user_id)
    found = await _look(connection, request)
    between = _between(found, request)
    if found["column_id"] == request.column_id and between.holds(found["position"]):
        row = await connection.fetchrow(f"SELECT {TASK} FROM tasks WHERE id = $1", request.task_id)
        return view(Task, row)
    position = between.place()
    if position is None:
        rows = await connection.fetch(_SPREAD, request.project_id, actor, request.column_id)
        events += [told(view(Task, row), Happened.MOVED) for row in rows]
        position = _between(await _look(connection, request), request).place()
    moved = view(Task, await connection.fetchrow(_MOVE, request.task_id, actor, request.column_id, found["status"], position))
    events.append(told(moved, Happened.MOVED))
    return moved


async def _look(connection: Connection, request: MoveTask) -> asyncpg.Record:
    """The task, the column that it comes to, and the other that it comes after. Raises what is missing of them."""
    row = await connection.fetchrow(_LOOK, request.project_id, request.task_id, request.column_id, request.after_id)
    assert row is not None, "there is a row, whatever is in it"
    if row["id"] is None:
        raise TaskNotFound
    if row["target"] is None:
        raise no_column()
    if request.after_id is not None and (row["anchor"] is None or request.after_id == request.task_id):
        detail = "No other task of this project has this id."
        raise RequestIsInvalid(errors=[FieldError(field="afterId", code="not_found", detail=detail)])
    return row


def _between(row: asyncpg.Record, request: MoveTask) -> Between:
    if request.after_id is not None and row["anchor_column"] != row["target"]:
        return Between(row["last"], None)
    return Between(row["before"], row["after"])
