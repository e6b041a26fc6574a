"""Tasks: made, found, listed, changed, moved, deleted."""

from pydantic import TypeAdapter

from services.projects.repository.rows import HIGHEST
from services.projects.service import Service
from shared import cursors
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.projects.tasks import ChangeTask, CreateTask, DeleteTask, GetTask, ListTasks, MoveTask, Task, TaskPage
from shared.contracts.refusals import CursorIsNotValid
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Replayed

_NUMBER = TypeAdapter(tuple[int])


async def list_tasks(request: ListTasks, caller: Principal, service: Service) -> TaskPage:
    filters = request.model_dump_json(exclude={"limit", "cursor"})
    list_name = f"tasks:{filters}"
    (after,) = cursors.decode(list_name, request.cursor, _NUMBER) if request.cursor is not None else (0,)
    if not 0 <= after <= HIGHEST:
        raise CursorIsNotValid
    found = await service.tasks.page(request, after, caller)
    page, more = found[: request.limit], len(found) > request.limit
    return TaskPage(tasks=page, has_more=more, next_cursor=cursors.encode(list_name, page[-1].number) if more else None)


async def get_task(request: GetTask, caller: Principal, service: Service) -> Task:
    return await service.tasks.get(request.project_id, request.task_id, caller)


async def create_task(request: CreateTask, caller: Principal, service: Service) -> Task | Replayed[Task]:
    try:
        return await service.tasks.create(request, caller)
    except MadeBefore as before:
        return Replayed(await service.tasks.get(request.project_id, before.uuid, caller))


async def change_task(request: ChangeTask, caller: Principal, service: Service) -> Task:
    return await service.tasks.change(request, caller)


async def move_task(request: MoveTask, caller: Principal, service: Service) -> Task:
    return await service.moves.move(request, caller)


async def delete_task(request: DeleteTask, caller: Principal, service: Service) -> Nothing:
    await service.tasks.delete(request, caller)
    return Nothing()
