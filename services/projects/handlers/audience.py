"""Who of many are in a project."""

from services.projects.service import Service
from shared.contracts.projects.audience import CheckProjectAudience, ProjectAudience


async def check_project_audience(request: CheckProjectAudience, service: Service) -> ProjectAudience:
    return await service.accesses.audience(request.workspace_id, request.project_id, request.users)
