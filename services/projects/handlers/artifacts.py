"""What the graph asks of tasks, files and pages."""

from services.projects.service import Service
from shared.contracts.principal import Principal
from shared.contracts.projects.artifacts import (
    DescribeArtifacts,
    ListArtifacts,
    ListedArtifacts,
    ListProjectThreads,
    ProjectArtifacts,
    ThreadsOfProjects,
)


async def describe_artifacts(request: DescribeArtifacts, caller: Principal, service: Service) -> ProjectArtifacts:
    return await service.artifacts.seen(request.ids, caller)


async def list_artifacts(request: ListArtifacts, service: Service) -> ListedArtifacts:
    return ListedArtifacts(artifacts=await service.artifacts.all(request.after, request.limit))


async def list_project_threads(request: ListProjectThreads, service: Service) -> ThreadsOfProjects:
    return ThreadsOfProjects(threads=await service.artifacts.threads(request.after, request.limit))
