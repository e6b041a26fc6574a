"""Who is in a project: for its thread it is the project that decides, asked each time."""

from collections.abc import Sequence
from uuid import UUID

from services.threads.domain.access import Gate, Part, Standing, part_of
from shared.contracts.principal import Principal
from shared.contracts.projects.access import CHECK_PROJECT_ACCESS, CheckProjectAccess, ProjectAccess, ProjectNotFound
from shared.contracts.projects.audience import CHECK_PROJECT_AUDIENCE, CheckProjectAudience
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import State
from shared.messaging.caller import Caller
from shared.messaging.context import Context, current_context
from shared.messaging.work import Ask


class Projects:
    def __init__(self, call: Caller) -> None:
        self._call = call

    async def settled(self, caller: Principal, standing: Standing) -> Standing:
        """What decides about the caller in one thread. Raises `ServiceIsUnavailable` while projects is away."""
        (found,) = await self.settle([(caller, current_context.get())], [standing])
        if isinstance(found, Refusal):
            raise found
        return found

    async def settle(self, callers: Sequence[tuple[Principal, Context]], standings: Sequence[Standing]) -> list[Standing | Refusal]:
        """What decides about each: as it was read, but in the threads of projects."""
        outcomes: list[Standing | Refusal] = list(standings)
        places = [place for place, (gate, _) in enumerate(standings) if gate is not None and gate.project_id is not None]
        asks = [_ask(standings[place][0], *callers[place]) for place in places]
        answers = await self._call.together(CHECK_PROJECT_ACCESS, asks) if asks else []
        for place, answer in zip(places, answers, strict=True):
            outcomes[place] = _outcome(standings[place][0], callers[place][0], answer)
        return outcomes

    async def settle_all(self, workspace_id: UUID, callers: Sequence[Principal], standings: Sequence[Standing]) -> Sequence[Standing]:
        """What decides about many callers in one thread; projects is asked once. Raises `ServiceIsUnavailable` while it is away."""
        gate, _ = standings[0]
        if gate is None or gate.project_id is None:
            return standings
        users = list(dict.fromkeys(caller.user_id for caller in callers))
        request = CheckProjectAudience(workspace_id=workspace_id, project_id=gate.project_id, users=users)
        answer = await self._call(CHECK_PROJECT_AUDIENCE, request, None)
        members, settled = {one.user_id: one for one in answer.members}, _as_archived(gate, answer.archived)
        found = [(caller, members.get(caller.user_id)) for caller in callers]
        return [(settled, part_of(member.role, caller.role, member.joined_at)) if member else (None, None) for caller, member in found]


def _as_archived(gate: Gate, archived: bool) -> Gate:
    return gate._replace(state=State.ARCHIVED if archived else State.ACTIVE)


def _ask(gate: Gate | None, caller: Principal, context: Context) -> Ask[CheckProjectAccess, Principal]:
    assert gate is not None
    assert gate.project_id is not None
    return Ask(CheckProjectAccess(project_id=gate.project_id), caller, context._replace(idempotency_key=""))


def _outcome(gate: Gate | None, caller: Principal, answer: ProjectAccess | Refusal) -> Standing | Refusal:
    assert gate is not None
    if isinstance(answer, ProjectNotFound):
        return None, None
    if isinstance(answer, Refusal):
        return answer
    part: Part = part_of(answer.role, caller.role, answer.joined_at)
    return _as_archived(gate, answer.archived), part
