"""Who may do what in a thread: asked for every post and read."""

from collections.abc import Sequence
from uuid import UUID

from services.threads.service import Service
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import Access, CheckAccess, Right
from shared.messaging.work import Ask


async def check_access(asks: Sequence[Ask[CheckAccess, Principal]], service: Service) -> Sequence[Access | Refusal]:
    workspaces: dict[UUID, list[int]] = {}
    for place, ask in enumerate(asks):
        workspaces.setdefault(ask.caller.workspace_id, []).append(place)
    answers: dict[int, Access | Refusal] = {}
    for workspace_id, places in workspaces.items():
        answers.update(zip(places, await service.accesses.check(workspace_id, [asks[place] for place in places]), strict=True))
    for place, answer in answers.items():
        request, caller, _ = asks[place]
        if isinstance(answer, Access) and answer.joined_at is None and request.right is Right.READ:
            service.reads.note(caller, request.thread_id)
    return [answers[place] for place in range(len(asks))]
