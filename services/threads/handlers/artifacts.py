"""Threads, for the graph."""

from collections.abc import Sequence
from uuid import UUID

from services.threads.domain.access import access
from services.threads.service import Service
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import Access, Right
from shared.contracts.threads.artifacts import DescribeArtifacts, DescribedArtifacts, ListArtifacts, ListedArtifacts
from shared.messaging.context import current_context


async def describe_artifacts(request: DescribeArtifacts, caller: Principal, service: Service) -> DescribedArtifacts:
    seen = await _readable(request.ids, caller, service)
    for found in seen:
        if found.joined_at is None:
            service.reads.note(caller, found.thread_id)
    return DescribedArtifacts(artifacts=await service.artifacts.there(caller.workspace_id, [found.thread_id for found in seen]))


async def _readable(thread_ids: Sequence[UUID], caller: Principal, service: Service) -> list[Access]:
    """The threads that the caller may read. Raises what keeps the rest from being known."""
    standings = await service.accesses.of(caller.workspace_id, [(thread_id, caller) for thread_id in thread_ids])
    settled = await service.projects.settle([(caller, current_context.get())] * len(standings), standings)
    found = []
    for thread_id, standing in zip(thread_ids, settled, strict=True):
        if isinstance(standing, Refusal):
            raise standing
        found.append(access(caller, thread_id, *standing, Right.READ))
    return [one for one in found if isinstance(one, Access)]


async def list_artifacts(request: ListArtifacts, service: Service) -> ListedArtifacts:
    return ListedArtifacts(artifacts=await service.artifacts.page(request.after, request.limit))
