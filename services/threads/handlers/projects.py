"""Threads of projects, opened with them."""

import structlog

from services.threads.service import Service
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.threads.threads import OpenProjectThread

log = structlog.get_logger()


async def open_project_thread(request: OpenProjectThread, caller: Principal, service: Service) -> Nothing:
    await service.project_threads.open(request, caller)
    log.info("project_thread_opened", threadId=str(request.thread_id), projectId=str(request.project_id), userId=str(caller.user_id))
    return Nothing()
