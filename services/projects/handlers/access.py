"""What callers are in projects: asked for every post and read of their threads."""

from collections.abc import Sequence
from uuid import UUID

from services.projects.domain.access import Standing
from services.projects.service import Service
from shared.contracts.principal import Principal
from shared.contracts.projects.access import CheckProjectAccess, ProjectAccess, ProjectNotFound
from shared.contracts.refusals import Refusal
from shared.messaging.work import Ask


async def check_project_access(asks: Sequence[Ask[CheckProjectAccess, Principal]], service: Service) -> Sequence[ProjectAccess | Refusal]:
    workspaces: dict[UUID, list[int]] = {}
    for place, ask in enumerate(asks):
        workspaces.setdefault(ask.caller.workspace_id, []).append(place)
    found: dict[int, Standing | None] = {}
    for workspace_id, places in workspaces.items():
        asked = [(asks[place].request.project_id, asks[place].caller.user_id) for place in places]
        found.update(zip(places, await service.accesses.of(workspace_id, asked), strict=True))
    return [_access(found[place]) for place in range(len(asks))]


def _access(found: Standing | None) -> ProjectAccess | Refusal:
    if found is None:
        return ProjectNotFound()
    return ProjectAccess(project_id=found.project_id, role=found.role, archived=found.archived, joined_at=found.joined_at)
