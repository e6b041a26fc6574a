"""Boards: shown, and their columns changed."""

from services.projects.repository.board import Shown
from services.projects.service import Service
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.projects.columns import (
    ChangeColumn,
    CreateColumn,
    DeleteColumn,
    GetColumn,
    ListColumns,
    TaskColumn,
    TaskColumns,
)
from shared.contracts.projects.tasks import Board, GetBoard
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Encoded, Replayed


async def get_board(request: GetBoard, caller: Principal, service: Service) -> Encoded[Board]:
    shown = await service.boards.get(request.project_id, caller)
    columns = ",".join(_column(column, shown) for column in shown.columns)
    partial = "true" if shown.partial else "false"
    return Encoded(f'{{"projectId":"{request.project_id}","columns":[{columns}],"partial":{partial}}}'.encode())


def _column(column: TaskColumn, shown: Shown) -> str:
    tasks = ",".join(shown.cards[column.id])
    return f'{column.model_dump_json(by_alias=True)[:-1]},"tasks":[{tasks}],"taskCount":{shown.counts[column.id]}}}'


async def list_columns(request: ListColumns, caller: Principal, service: Service) -> TaskColumns:
    return TaskColumns(columns=await service.columns.all(request.project_id, caller))


async def get_column(request: GetColumn, caller: Principal, service: Service) -> TaskColumn:
    return await service.columns.get(request.project_id, request.column_id, caller)


async def create_column(request: CreateColumn, caller: Principal, service: Service) -> TaskColumn | Replayed[TaskColumn]:
    try:
        return await service.columns.create(request, caller)
    except MadeBefore as before:
        return Replayed(await service.columns.get(request.project_id, before.uuid, caller))


async def change_column(request: ChangeColumn, caller: Principal, service: Service) -> TaskColumn:
    return await service.columns.change(request, caller)


async def delete_column(request: DeleteColumn, caller: Principal, service: Service) -> Nothing:
    await service.columns.delete(request, caller)
    return Nothing()
