"""A project's own thread, which threads opens."""

from uuid import UUID

import structlog

from shared.contracts.principal import Principal
from shared.contracts.projects.projects import Project
from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.threads.threads import OPEN_PROJECT_THREAD, OpenProjectThread
from shared.messaging.caller import Caller

log = structlog.get_logger()


class ProjectThreads:
    def __init__(self, call: Caller) -> None:
        self._call = call

    async def open(self, project: Project, membership_id: UUID, caller: Principal) -> None:
        """Let the thread be there before the project's owner is told of it. While threads is away it is not: it opens it later, when it
        hears of the project.
        """
        asked = OpenProjectThread(project_id=project.id, thread_id=project.thread_id, membership_id=membership_id, title=project.name)
        try:
            await self._call(OPEN_PROJECT_THREAD, asked, caller)
        except ServiceIsUnavailable:
            log.warning("project_thread_opens_later", projectId=str(project.id), threadId=str(project.thread_id))
