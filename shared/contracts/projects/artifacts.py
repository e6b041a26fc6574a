"""Tasks, files and pages, as the graph wants them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.artifacts import Artifact
from shared.contracts.model import Request, View
from shared.contracts.operations import GRAPH, Operation


class ProjectArtifacts(View):
    artifacts: list[Artifact]


class DescribeArtifacts(Request):
    """Those of these tasks, files and pages that the caller may see."""

    ids: Annotated[list[UUID], Field(max_length=1_000)]


class ListArtifacts(Request):
    """All tasks, files and pages of the installation by their ids, deleted ones too."""

    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=2_000)] = 1_000


DESCRIBE_ARTIFACTS = Operation(DescribeArtifacts, ProjectArtifacts, called_by=[GRAPH], timeout=3.0)
LIST_ARTIFACTS = Operation(ListArtifacts, ProjectArtifacts, called_by=[GRAPH], coalesced=False, anonymous=True, timeout=10.0)
