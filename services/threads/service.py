"""What the handlers work with."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from services.threads.audit import ReadsOfOthers
from services.threads.cache import CachedViews
from services.threads.domain.access import Part, Rights, rights
from services.threads.domain.reading import shown
from services.threads.members import Members
from services.threads.newest import NewestMessages
from services.threads.projects import Projects
from services.threads.repository.access import Accesses
from services.threads.repository.artifacts import Artifacts
from services.threads.repository.history import History
from services.threads.repository.listing import Listing
from services.threads.repository.membership import Membership
from services.threads.repository.projects import ProjectThreads
from services.threads.repository.threads import Threads
from services.threads.unread import UnreadCounts
from shared.contracts.principal import Principal
from shared.contracts.threads.access import ThreadNotFound
from shared.contracts.threads.threads import Thread


@dataclass(frozen=True, slots=True)
class Look:
    """How the caller takes part in a thread that they see, which revision of it is there, and what they may do."""

    part: Part | None
    revision: int
    may: Rights


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers work with."""

    threads: Threads
    project_threads: ProjectThreads
    listing: Listing
    membership: Membership
    accesses: Accesses
    artifacts: Artifacts
    history: History
    views: CachedViews
    unread: UnreadCounts
    members: Members
    projects: Projects
    newest: NewestMessages
    reads: ReadsOfOthers

    async def look(self, thread_id: UUID, caller: Principal) -> Look:
        """Whether the caller sees the thread, and is noted to have. Raises `ThreadNotFound`."""
        standing, revision = await self.threads.look(thread_id, caller)
        gate, part = await self.projects.settled(caller, standing)
        may = rights(caller, gate, part) if gate else None
        if may is None or not may.sees:
            raise ThreadNotFound
        self.note(part, thread_id, caller)
        return Look(part, revision, may)

    def note(self, part: Part | None, thread_id: UUID, caller: Principal) -> None:
        """The caller was shown something of a thread; who takes no part in it is audited."""
        if part is None:
            self.reads.note(caller, thread_id)

    async def view(self, thread_id: UUID, revision: int, workspace_id: UUID) -> Thread:
        """A thread that is there, for nobody in particular, and no older than the revision."""
        kept = await self.views.get(thread_id, revision)
        if kept is not None:
            return kept
        made_at, made = await self.threads.view(workspace_id, thread_id)
        await self.views.keep(made, made_at)
        return made

    async def shown(self, thread: Thread, part: Part | None, caller: Principal) -> Thread:
        """The thread as the caller sees it."""
        counts = await self.unread.if_there({thread.id: part}, caller)
        return shown(thread, part, counts.get(thread.id))

    async def thread(self, thread_id: UUID, caller: Principal) -> Thread:
        """The thread as the caller sees it. Raises `ThreadNotFound`."""
        look = await self.look(thread_id, caller)
        counted = self.unread.if_there({thread_id: look.part}, caller)
        view, counts = await asyncio.gather(self.view(thread_id, look.revision, caller.workspace_id), counted)
        return shown(view, look.part, counts.get(thread_id))
