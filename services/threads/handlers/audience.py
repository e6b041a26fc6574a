"""Who of many may read a thread."""

from services.threads.domain.access import Standing, access
from services.threads.service import Service
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import Right
from shared.contracts.threads.audience import Audience, CheckAudience, SeenBy


async def check_audience(request: CheckAudience, service: Service) -> Audience:
    standings = await service.accesses.audience(request.workspace_id, request.thread_id, request.callers)
    settled = await service.projects.settle_all(request.workspace_id, request.callers, standings)
    answers = (_answer(request, place, standing, service) for place, standing in enumerate(settled))
    project_id = next((gate.project_id for gate, _ in standings if gate is not None), None)
    return Audience(project_id=project_id, seen_by=[answer for answer in answers if answer is not None])


def _answer(request: CheckAudience, place: int, standing: Standing, service: Service) -> SeenBy | None:
    """As `check_access` answers one who would read."""
    caller: Principal = request.callers[place]
    answer = access(caller, request.thread_id, *standing, Right.READ)
    if isinstance(answer, Refusal):
        return None
    if answer.joined_at is None:
        service.reads.note(caller, request.thread_id)
    return SeenBy(
        place=place, notes=answer.notes, hidden_robots=answer.hidden_robots, seen_from=answer.seen_from, joined_at=answer.joined_at
    )
