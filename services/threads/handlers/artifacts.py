"""Threads, for the graph."""

from services.threads.service import Service
from shared.contracts.principal import Principal
from shared.contracts.threads.artifacts import DescribeArtifacts, DescribedArtifacts, ListArtifacts, ListedArtifacts


async def describe_artifacts(request: DescribeArtifacts, caller: Principal, service: Service) -> DescribedArtifacts:
    seen, others = await service.artifacts.seen(request.ids, caller)
    for thread_id in others:
        service.reads.note(caller, thread_id)
    return DescribedArtifacts(artifacts=seen)


async def list_artifacts(request: ListArtifacts, service: Service) -> ListedArtifacts:
    return ListedArtifacts(artifacts=await service.artifacts.page(request.after, request.limit))
