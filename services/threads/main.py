"""Builds the threads service; nothing else does."""

from services.threads.audit import ReadsOfOthers
from services.threads.cache import CachedViews
from services.threads.consumers import follow_projects, move_activity, note_reading
from services.threads.handlers import access, artifacts, audience, history, participants, projects, threads
from services.threads.members import Members
from services.threads.metrics import active_count_rounds
from services.threads.newest import NewestMessages
from services.threads.projects import Projects
from services.threads.repository.access import Accesses
from services.threads.repository.artifacts import Artifacts
from services.threads.repository.history import History
from services.threads.repository.listing import Listing
from services.threads.repository.membership import Membership
from services.threads.repository.projects import ProjectThreads
from services.threads.repository.threads import Threads
from services.threads.service import Service
from services.threads.settings import Settings
from services.threads.unread import UnreadCounts
from shared.application import CannotStart, Dependency
from shared.contracts.subscriptions import THREADS_ACTIVITY, THREADS_PROJECTS, THREADS_READING
from shared.contracts.threads.access import CHECK_ACCESS
from shared.contracts.threads.artifacts import DESCRIBE_ARTIFACTS, LIST_ARTIFACTS
from shared.contracts.threads.audience import CHECK_AUDIENCE
from shared.contracts.threads.history import GET_THREAD_HISTORY
from shared.contracts.threads.participants import (
    ADD_PARTICIPANT,
    CHANGE_PARTICIPANT,
    GET_PARTICIPANT,
    LIST_PARTICIPANTS,
    REMOVE_PARTICIPANT,
)
from shared.contracts.threads.threads import (
    ARCHIVE_THREAD,
    CHANGE_THREAD,
    GET_THREAD,
    LIST_THREADS,
    OPEN_PROJECT_THREAD,
    OPEN_THREAD,
)
from shared.database.history import SYSTEM_ACTOR
from shared.database.turns import Turns
from shared.foundation import Foundation
from shared.messaging.consumers import EventConsumers
from shared.messaging.local import Process

NOBODY_ASKED = {"app.actor": SYSTEM_ACTOR}  # what events of projects do is told as the service's own doing


class ThreadsApplication:
    name = "threads"

    def __init__(self, settings: Settings, *, process: Process | None = None) -> None:
        self._foundation = foundation = Foundation(self.name, settings, process, background=NOBODY_ASKED)
        self._active_count = active_count_rounds(foundation.background)
        self._consumers = EventConsumers(self.name, foundation.background, foundation.nats_url, foundation.nats_password)
        self._consumers.react(THREADS_ACTIVITY, move_activity)
        self._consumers.react(THREADS_READING, note_reading)
        self._consumers.react(THREADS_PROJECTS, follow_projects)
        try:
            self._views = CachedViews(settings.redis_url)
        except ValueError as error:
            raise CannotStart(f"ATRIUM_REDIS_URL is not the address of a Valkey or Redis: {error}") from error
        self._reads = ReadsOfOthers(foundation.background, foundation.relay.poke)
        turns = Turns()
        self._serve(
            Service(
                threads=Threads(foundation.database, foundation.relay.poke, turns),
                project_threads=ProjectThreads(foundation.database, foundation.relay.poke),
                listing=Listing(foundation.database),
                membership=Membership(foundation.database, foundation.relay.poke, turns),
                accesses=Accesses(foundation.database),
                artifacts=Artifacts(foundation.database, foundation.background),
                history=History(foundation.database),
                views=self._views,
                unread=UnreadCounts(foundation.caller),
                members=Members(foundation.caller),
                projects=Projects(foundation.caller),
                newest=NewestMessages(foundation.caller),
                reads=self._reads,
            )
        )

    def _serve(self, service: Service) -> None:
        responder = self._foundation.responder
        responder.serve(OPEN_PROJECT_THREAD, projects.open_project_thread, service)
        responder.serve(OPEN_THREAD, threads.open_thread, service)
        responder.serve(GET_THREAD, threads.get_thread, service)
        responder.serve(LIST_THREADS, threads.list_threads, service)
        responder.serve(CHANGE_THREAD, threads.change_thread, service)
        responder.serve(ARCHIVE_THREAD, threads.archive_thread, service)
        responder.serve(LIST_PARTICIPANTS, participants.list_participants, service)
        responder.serve(GET_PARTICIPANT, participants.get_participant, service)
        responder.serve(ADD_PARTICIPANT, participants.add_participant, service)
        responder.serve(CHANGE_PARTICIPANT, participants.change_participant, service)
        responder.serve(REMOVE_PARTICIPANT, participants.remove_participant, service)
        responder.serve(GET_THREAD_HISTORY, history.get_thread_history, service)
        responder.serve(DESCRIBE_ARTIFACTS, artifacts.describe_artifacts, service)
        responder.serve_anonymous(LIST_ARTIFACTS, artifacts.list_artifacts, service)
        responder.serve_together(CHECK_ACCESS, access.check_access, service)
        responder.serve_anonymous(CHECK_AUDIENCE, audience.check_audience, service)

    async def start(self) -> None:
        await self._foundation.open()
        self._active_count.start()
        self._reads.start()
        await self._consumers.start()
        await self._foundation.serve()

    async def stop(self) -> None:
        await self._consumers.stop()
        await self._active_count.stop()
        await self._foundation.responder.stop()
        await self._reads.stop()
        await self._views.close()
        await self._foundation.close()

    async def health(self) -> dict[str, Dependency]:
        return await self._foundation.health() | {"valkey": await self._views.health()}


def build(process: Process | None = None) -> ThreadsApplication:
    return ThreadsApplication(Settings(), process=process)
