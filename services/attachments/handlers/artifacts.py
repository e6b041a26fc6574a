"""Files, for the graph."""

import asyncio

from services.attachments.domain import Stored
from services.attachments.service import Service, Standing
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.attachments.artifacts import (
    AttachmentArtifact,
    DescribeArtifacts,
    DescribedArtifacts,
    ListArtifacts,
    ListedArtifacts,
)
from shared.contracts.messages.artifacts import DESCRIBE_ARTIFACTS as DESCRIBE_MESSAGES
from shared.contracts.messages.artifacts import DescribeArtifacts as DescribeMessages
from shared.contracts.principal import Principal


async def describe_artifacts(request: DescribeArtifacts, caller: Principal, service: Service) -> DescribedArtifacts:
    """Those in messages are seen with them, which is asked once for all; the rest one by one: they are few, and their uploaders' alone."""
    files = await service.artifacts.there(caller.workspace_id, request.ids)
    posted = list({file.message_id for file in files if file.message_id is not None})
    seen = set()
    if posted:
        described = await service.call(DESCRIBE_MESSAGES, DescribeMessages(ids=posted), caller)
        seen = {message.id for message in described.artifacts}
    unposted = [file for file in files if file.message_id is None]
    standings = await asyncio.gather(*(service.standing(file, caller) for file in unposted))
    there = [file for file, standing in zip(unposted, standings, strict=True) if standing is Standing.THERE]
    return DescribedArtifacts(artifacts=[Artifact(**_fields(file)) for file in (*there, *(f for f in files if f.message_id in seen))])


async def list_artifacts(request: ListArtifacts, service: Service) -> ListedArtifacts:
    files = await service.artifacts.page(request.after, request.limit)
    return ListedArtifacts(
        artifacts=[AttachmentArtifact(**_fields(file), message_id=file.message_id, uploaded_by_id=file.uploaded_by_id) for file in files]
    )


def _fields(file: Stored) -> dict[str, object]:
    return {
        "type": ArtifactType.ATTACHMENT,
        "id": file.id,
        "workspace_id": file.workspace_id,
        "project_id": None,
        "thread_id": file.thread_id,
        "title": file.filename,
        "deleted": file.deleted_at is not None,
        "version": file.version,
    }
