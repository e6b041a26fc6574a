"""Tasks that are moved on a board: all that wait for one project in one transaction, each as if it were alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.projects.domain.access import Standing
from services.projects.domain.board import GAP, Between, Placed
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


_TASKS = f"SELECT {TASK} FROM tasks WHERE id = ANY($1::uuid[])"


class Move(NamedTuple):
    request: MoveTask
    caller: Principal


class Target(NamedTuple):
    """Where a task comes to in its column."""

    status: str
    position: int


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

        async def attempt() -> Sequence[Task | Refusal]:
            async with self._database.workspace(workspace_id) as connection:
                await lock(connection, project_id)
                found = await standings(connection, [(project_id, move.caller.user_id) for move in moves])
                group = _Group(connection, project_id, moves, found)
                outcomes = await group.settled()
                await emit(connection, *(emission(event, workspace_id, project_id) for event in group.events))
                return outcomes

        return await committed(attempt, self._on_commit)


class _Group:
    """The moves of one transaction, in rounds that look once and write once: two round trips for all of them instead of two for each
    (64 at once: four times as many moves a second). What depends on another of its round waits for the next.
    """

    def __init__(self, connection: Connection, project_id: UUID, moves: Sequence[Move], found: Sequence[Standing | None]) -> None:
        self._connection, self._project_id, self._moves = connection, project_id, moves
        self._outcomes: dict[int, Task | Refusal] = {}
        for place, standing in enumerate(found):
            if refusal := _refusal(standing):
                self._outcomes[place] = refusal
        self.events: list[Event] = []

    async def settled(self) -> list[Task | Refusal]:
        """What became of each move, in their order."""
        waiting = [place for place in range(len(self._moves)) if place not in self._outcomes]
        while waiting:
            waiting = await self._round(waiting)
        return [self._outcomes[place] for place in range(len(self._moves))]

    async def _round(self, places: Sequence[int]) -> list[int]:
        """Those that wait for the next."""
        asked = [self._moves[place].request for place in places]
        rows = await self._connection.fetchmany(_LOOK, [(self._project_id, each.task_id, each.column_id, each.after_id) for each in asked])
        placed, touched = Placed(), set[UUID | None]()
        moved, stayed, later = dict[int, Target](), list[int](), list[int]()
        crowded: dict[UUID, int] = {}
        for place, request, row in zip(places, asked, rows, strict=True):
            if request.task_id in touched or (request.after_id is not None and request.after_id in touched):
                later.append(place)
                continue
            if refusal := _missing(row, request):
                self._outcomes[place] = refusal
                continue
            between = _between(row, request, placed)
            position = between.place()
            if row["column_id"] == request.column_id and between.holds(row["position"]):
                stayed.append(place)
            elif position is None:
                crowded.setdefault(request.column_id, place)
                later.append(place)
                continue
            else:
                placed.add(request.column_id, position)
                moved[place] = Target(row["status"], position)
            touched.add(request.task_id)
        await self._write(moved)
        await self._read(stayed)
        await self._spread(crowded)
        return later

    async def _write(self, targets: Mapping[int, Target]) -> None:
        moves = [(self._moves[place], target) for place, target in targets.items()]
        written = await self._connection.fetchmany(
            _MOVE,
            [
                (move.request.task_id, str(move.caller.user_id), move.request.column_id, target.status, target.position)
                for move, target in moves
            ],
        )
        for place, row in zip(targets, written, strict=True):
            self._outcomes[place] = task = view(Task, row)
            self.events.append(told(task, Happened.MOVED))

    async def _read(self, places: Sequence[int]) -> None:
        """Those that are where they were put already."""
        if places:
            rows = await self._connection.fetch(_TASKS, [self._moves[place].request.task_id for place in places])
            tasks = {row["id"]: view(Task, row) for row in rows}
            self._outcomes |= {place: tasks[self._moves[place].request.task_id] for place in places}

    async def _spread(self, columns: Mapping[UUID, int]) -> None:
        """Columns in which there was no room, by the first who found none: there is in the next round."""
        for column, place in columns.items():
            rows = await self._connection.fetch(_SPREAD, self._project_id, str(self._moves[place].caller.user_id), column)
            self.events += [told(view(Task, row), Happened.MOVED) for row in rows]


def _refusal(standing: Standing | None) -> Refusal | None:
    try:
        if standing is None:
            raise ProjectNotFound
        standing.require(ProjectRole.MEMBER)
    except Refusal as refusal:
        return refusal
    return None


def _missing(row: asyncpg.Record, request: MoveTask) -> Refusal | None:
    """What is not there: the task, the column that it comes to, the other that it comes after."""
    if row["id"] is None:
        return TaskNotFound()
    if row["target"] is None:
        return no_column()
    if request.after_id is not None and (row["anchor"] is None or request.after_id == request.task_id):
        detail = "No other task of this project has this id."
        return RequestIsInvalid(errors=[FieldError(field="afterId", code="not_found", detail=detail)])
    return None


def _between(row: asyncpg.Record, request: MoveTask, placed: Placed) -> Between:
    if request.after_id is not None and row["anchor_column"] != row["target"]:
        return placed.at_the_end(request.column_id, row["last"])
    return placed.below(request.column_id, Between(row["before"], row["after"]))
