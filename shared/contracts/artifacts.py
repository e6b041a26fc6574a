"""What the graph is told of anything that it links, whoever owns it."""

from enum import StrEnum
from uuid import UUID

from shared.contracts.model import View


class ArtifactType(StrEnum):
    TASK = "TASK"
    FILE = "FILE"
    PAGE = "PAGE"
    MESSAGE = "MESSAGE"
    THREAD = "THREAD"
    ATTACHMENT = "ATTACHMENT"


class Artifact(View):
    """One, as its owner has it now. number: of a task in its project. message_id: of an attachment, the message that has it.

    title: a task's or page's or thread's, a file's path or name, the beginning of a message's text.
    """

    type: ArtifactType
    id: UUID
    workspace_id: UUID
    project_id: UUID | None
    thread_id: UUID | None
    title: str
    number: int | None = None
    deleted: bool
    version: int
