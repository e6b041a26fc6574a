"""A stand-in for threads, as projects needs it."""

from dataclasses import dataclass, field
from typing import ClassVar

from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.threads.threads import OPEN_PROJECT_THREAD, OpenProjectThread
from tests.service.stand_in import Answers, StandIn


@dataclass
class FakeThreads(StandIn):
    """Answers OPEN_PROJECT_THREAD, and keeps what it was asked."""

    opened: list[OpenProjectThread] = field(default_factory=list)
    away: bool = False
    service: ClassVar[str] = "threads"

    def answers(self) -> Answers:
        return {OPEN_PROJECT_THREAD: open_project_thread}


async def open_project_thread(request: OpenProjectThread, caller: Principal, threads: FakeThreads) -> Nothing:
    if threads.away:
        raise ServiceIsUnavailable
    threads.opened.append(request)
    return Nothing()
