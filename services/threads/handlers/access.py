"""Who may do what in a thread: asked for every post and read."""

from collections.abc import Sequence
from uuid import UUID

from services.threads.domain.access import Standing, access
from services.threads.service import Service
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import Access, CheckAccess, Right
from shared.messaging.work import Ask


async def check_access(asks: Sequence[Ask[CheckAccess, Principal]], service: Service) -> Sequence[Access | Refusal]:
    workspaces: dict[UUID, list[int]] = {}
    for place, ask in enumerate(asks):
        workspaces.setdefault(ask.caller.workspace_id, []).append(place)
    found: dict[int, Standing] = {}
    for workspace_id, places in workspaces.items():
        asked = [(asks[place].request.thread_id, asks[place].caller) for place in places]
        found.update(zip(places, await service.accesses.of(workspace_id, asked), strict=True))
    standings = [found[place] for place in range(len(asks))]
    settled = await service.projects.settle([(ask.caller, ask.context) for ask in asks], standings)
    return [_answer(ask, standing, service) for ask, standing in zip(asks, settled, strict=True)]


def _answer(ask: Ask[CheckAccess, Principal], standing: Standing | Refusal, service: Service) -> Access | Refusal:
    if isinstance(standing, Refusal):
        return standing
    request, caller, _ = ask
    answer = access(caller, request.thread_id, *standing, request.right)
    if isinstance(answer, Access) and answer.joined_at is None and request.right is Right.READ:
        service.reads.note(caller, request.thread_id)
    return answer
