"""What was changed in a project, for auditors."""

from services.projects.service import Service
from shared import cursors
from shared.contracts.principal import Principal
from shared.contracts.projects.history import GetProjectHistory, ProjectChangePage


async def get_project_history(request: GetProjectHistory, caller: Principal, service: Service) -> ProjectChangePage:
    """Auditors see what they see otherwise: a project's history is for its members."""
    list_name = f"project-history:{request.project_id}"
    (before,) = cursors.decode(list_name, request.cursor, cursors.ID) if request.cursor is not None else (None,)
    found = await service.history.page(request, before, caller)
    page, more = found[: request.limit], len(found) > request.limit
    return ProjectChangePage(changes=page, has_more=more, next_cursor=cursors.encode(list_name, page[-1].id) if more else None)
