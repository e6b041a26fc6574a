"""Tasks, files and pages, as the graph wants them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.artifacts import Artifact
from shared.contracts.model import Request, View
from shared.contracts.operations import GATEWAY, GRAPH, Operation


class ProjectArtifacts(View):
    artifacts: list[Artifact]


class ProjectArtifact(Artifact):
    """With what its link comes from. linked_file_id: of a page, the file that was made from it. updated_by: null for a task."""

    linked_file_id: UUID | None
    updated_by: UUID | None


class ListedArtifacts(View):
    """By id. There are more where there are as many as were asked for."""

    artifacts: list[ProjectArtifact]


class ThreadOfProject(View):
    """A project's own thread. id: the project's. deleted: with all that is in it, and in its thread."""

    id: UUID
    workspace_id: UUID
    thread_id: UUID
    deleted: bool


class ThreadsOfProjects(View):
    """By the projects' ids. There are more where there are as many as were asked for."""

    threads: list[ThreadOfProject]


class DescribeArtifacts(Request):
    """Those of these tasks, files and pages that the caller may see."""

    ids: Annotated[list[UUID], Field(max_length=1_000)]


class ListArtifacts(Request):
    """All tasks, files and pages of the installation by their ids, deleted ones too."""

    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=2_000)] = 1_000


class ListProjectThreads(Request):
    """The threads of all projects of the installation, deleted ones too."""

    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=2_000)] = 1_000


DESCRIBE_ARTIFACTS = Operation(DescribeArtifacts, ProjectArtifacts, called_by=[GATEWAY, GRAPH], timeout=3.0)
LIST_ARTIFACTS = Operation(ListArtifacts, ListedArtifacts, called_by=[GRAPH], coalesced=False, anonymous=True, timeout=10.0)
LIST_PROJECT_THREADS = Operation(ListProjectThreads, ThreadsOfProjects, called_by=[GRAPH], coalesced=False, anonymous=True)
