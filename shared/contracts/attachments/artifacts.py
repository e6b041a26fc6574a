"""What the graph is told of files."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.artifacts import Artifact
from shared.contracts.model import Request, View
from shared.contracts.operations import GRAPH, Operation

MOST_DESCRIBED, MOST_LISTED = 1_000, 1_000


class DescribedArtifacts(View):
    """In no order. What is missing, deleted or hidden from the caller is not among them."""

    artifacts: list[Artifact]


class AttachmentArtifact(Artifact):
    """With what its link comes from. message_id: of the message that has it."""

    message_id: UUID | None
    uploaded_by_id: UUID


class ListedArtifacts(View):
    """By id. There are more where there are as many as were asked for."""

    artifacts: list[AttachmentArtifact]


class DescribeArtifacts(Request):
    """Those of some files that the caller sees."""

    ids: Annotated[list[UUID], Field(max_length=MOST_DESCRIBED)]


class ListArtifacts(Request):
    """All files of the installation, deleted ones too."""

    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = MOST_LISTED


DESCRIBE_ARTIFACTS = Operation(DescribeArtifacts, DescribedArtifacts, called_by=[GRAPH], timeout=4.0)
LIST_ARTIFACTS = Operation(ListArtifacts, ListedArtifacts, called_by=[GRAPH], coalesced=False, anonymous=True)
