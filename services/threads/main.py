"""Builds the threads service; nothing else does."""

from services.threads import handlers
from services.threads.consumers import move_activity
from services.threads.metrics import ActiveCount
from services.threads.repository.access import Accesses
from services.threads.repository.listing import Listing
from services.threads.repository.threads import Threads
from services.threads.settings import Settings
from shared.application import Dependency
from shared.contracts.subscriptions import THREADS_ACTIVITY
from shared.contracts.threads.access import CHECK_ACCESS
from shared.contracts.threads.threads import ARCHIVE_THREAD, CHANGE_THREAD, GET_THREAD, LIST_THREADS, OPEN_THREAD
from shared.foundation import Foundation
from shared.messaging.consumers import EventConsumers
from shared.messaging.local import Process


class ThreadsApplication:
    name = "threads"

    def __init__(self, settings: Settings, *, process: Process | None = None) -> None:
        self._foundation = foundation = Foundation(self.name, settings, process)
        self._active_count = ActiveCount(foundation.background)
        self._consumers = EventConsumers(self.name, foundation.background, foundation.nats_url, foundation.nats_password)
        self._consumers.react(THREADS_ACTIVITY, move_activity)
        service = handlers.Service(
            threads=Threads(foundation.database, foundation.relay.poke),
            listing=Listing(foundation.database),
            accesses=Accesses(foundation.database),
        )
        foundation.responder.serve(OPEN_THREAD, handlers.open_thread, service)
        foundation.responder.serve(GET_THREAD, handlers.get_thread, service)
        foundation.responder.serve(LIST_THREADS, handlers.list_threads, service)
        foundation.responder.serve(CHANGE_THREAD, handlers.change_thread, service)
        foundation.responder.serve(ARCHIVE_THREAD, handlers.archive_thread, service)
        foundation.responder.serve_together(CHECK_ACCESS, handlers.check_access, service)

    async def start(self) -> None:
        await self._foundation.open()
        self._active_count.start()
        await self._consumers.start()
        await self._foundation.serve()

    async def stop(self) -> None:
        await self._consumers.stop()
        await self._active_count.stop()
        await self._foundation.close()

    async def health(self) -> dict[str, Dependency]:
        return await self._foundation.health()


def build(process: Process | None = None) -> ThreadsApplication:
    return ThreadsApplication(Settings(), process=process)
