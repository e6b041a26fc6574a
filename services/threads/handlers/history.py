"""What was changed in a thread, for auditors."""

from services.threads.service import Service
from shared import cursors
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.threads.history import ChangePage, GetThreadHistory


async def get_thread_history(request: GetThreadHistory, caller: Principal, service: Service) -> ChangePage:
    """Auditors see what they see otherwise: the history of a hidden thread is for those who take part in it."""
    await service.look(request.thread_id, caller)
    service.reads.note(caller, request.thread_id, Permission.HISTORY_READ)
    list_name = f"thread-history:{request.thread_id}"
    (before,) = cursors.decode(list_name, request.cursor, cursors.ID) if request.cursor is not None else (None,)
    found = await service.history.page(caller.workspace_id, request.thread_id, before, request.limit)
    page, more = found[: request.limit], len(found) > request.limit
    return ChangePage(changes=page, has_more=more, next_cursor=cursors.encode(list_name, page[-1].id) if more else None)
