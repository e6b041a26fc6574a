"""What the graph asks of tasks, files and pages."""

from services.projects.service import Service
from shared.contracts.principal import Principal
from shared.contracts.projects.artifacts import DescribeArtifacts, ListArtifacts, ProjectArtifacts


async def describe_artifacts(request: DescribeArtifacts, caller: Principal, service: Service) -> ProjectArtifacts:
    return ProjectArtifacts(artifacts=await service.artifacts.seen(request.ids, caller))


async def list_artifacts(request: ListArtifacts, service: Service) -> ProjectArtifacts:
    return ProjectArtifacts(artifacts=await service.artifacts.all(request.after, request.limit))
