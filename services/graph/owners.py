"""Who may see what, asked of the owners each time: whoever asks much at once asks each owner once."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Any
from uuid import UUID

from services.graph.domain import Place
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.attachments import artifacts as of_attachments
from shared.contracts.messages import artifacts as of_messages
from shared.contracts.operations import ATTACHMENTS, MESSAGES, PROJECTS, THREADS, Operation
from shared.contracts.principal import Principal
from shared.contracts.projects import artifacts as of_projects
from shared.contracts.projects.access import CHECK_PROJECT_ACCESS, CheckProjectAccess, ProjectIsArchived
from shared.contracts.threads import artifacts as of_threads
from shared.contracts.threads.access import CHECK_ACCESS, CheckAccess, Right
from shared.messaging.caller import Caller

OWNERS = {
    ArtifactType.TASK: PROJECTS,
    ArtifactType.FILE: PROJECTS,
    ArtifactType.PAGE: PROJECTS,
    ArtifactType.MESSAGE: MESSAGES,
    ArtifactType.THREAD: THREADS,
    ArtifactType.ATTACHMENT: ATTACHMENTS,
}
DESCRIBE: dict[str, Operation[Any, Any]] = {
    PROJECTS: of_projects.DESCRIBE_ARTIFACTS,
    MESSAGES: of_messages.DESCRIBE_ARTIFACTS,
    THREADS: of_threads.DESCRIBE_ARTIFACTS,
    ATTACHMENTS: of_attachments.DESCRIBE_ARTIFACTS,
}
TOGETHER = 500


class Owners:
    def __init__(self, call: Caller) -> None:
        self._call = call

    async def seen(self, places: Iterable[Place], caller: Principal) -> dict[UUID, Artifact]:
        """Those that are there for the caller, as they are now."""
        wanted: dict[str, list[UUID]] = {}
        for place in places:
            wanted.setdefault(OWNERS[place.type], []).append(place.id)
        asks = [self._describe(owner, some, caller) for owner, ids in wanted.items() for some in batched(ids, TOGETHER)]
        return {one.id: one for described in await asyncio.gather(*asks) for one in described if not one.deleted}

    async def _describe(self, owner: str, ids: Sequence[UUID], caller: Principal) -> Sequence[Artifact]:
        operation = DESCRIBE[owner]
        described: Sequence[Artifact] = (await self._call(operation, operation.request(ids=list(ids)), caller)).artifacts
        return described

    async def see_project(self, project_id: UUID, caller: Principal) -> None:
        """Raises `ProjectNotFound`."""
        await self._call(CHECK_PROJECT_ACCESS, CheckProjectAccess(project_id=project_id), caller)

    async def change_project(self, project_id: UUID, caller: Principal) -> None:
        """Raises `ProjectNotFound`, `ProjectIsArchived`."""
        access = await self._call(CHECK_PROJECT_ACCESS, CheckProjectAccess(project_id=project_id), caller)
        if access.archived:
            raise ProjectIsArchived

    async def see_thread(self, thread_id: UUID, caller: Principal) -> None:
        """Raises `ThreadNotFound`."""
        await self._call(CHECK_ACCESS, CheckAccess(thread_id=thread_id, right=Right.READ), caller)

    async def change_thread(self, thread_id: UUID, caller: Principal) -> None:
        """Whoever may post there may link there. Raises the thread's refusals."""
        await self._call(CHECK_ACCESS, CheckAccess(thread_id=thread_id, right=Right.POST), caller)
