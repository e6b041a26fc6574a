"""Messages, for the graph."""

import asyncio
from uuid import UUID

from services.messages import domain
from services.messages.service import Service
from shared.contracts.messages.artifacts import DescribeArtifacts, DescribedArtifacts, ListArtifacts, ListedArtifacts
from shared.contracts.principal import Principal
from shared.contracts.threads.access import Access, Right, ThreadNotFound


async def describe_artifacts(request: DescribeArtifacts, caller: Principal, service: Service) -> DescribedArtifacts:
    found = await service.artifacts.there(caller.workspace_id, request.ids)
    threads = list({one.thread_id for one in found})
    accesses = dict(zip(threads, await asyncio.gather(*(_access(thread_id, caller, service) for thread_id in threads)), strict=True))
    seen = [
        one.artifact
        for one in found
        if (access := accesses[one.thread_id]) is not None and domain.sight(access).sees(one.hidden_from, one.created_at)
    ]
    return DescribedArtifacts(artifacts=seen)


async def _access(thread_id: UUID, caller: Principal, service: Service) -> Access | None:
    try:
        return await service.access(Right.READ, thread_id, caller)
    except ThreadNotFound:
        return None


async def list_artifacts(request: ListArtifacts, service: Service) -> ListedArtifacts:
    return ListedArtifacts(artifacts=await service.artifacts.page(request.after, request.limit))
