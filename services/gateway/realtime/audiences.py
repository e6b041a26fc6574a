"""Who of those who are connected sees a thread or project. Its owner is asked when something happens there; what it said is kept while it
is used, and asked again for whom an event concerns, and every 30 s.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import batched
from uuid import UUID

from services.gateway.realtime.connections import Viewer
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.kinds import Scope
from services.gateway.realtime.viewers import Viewers
from services.gateway.realtime.visibility import Sight
from services.gateway.routing import Call
from shared.contracts.graph.links import CHECK_LINK_ENDS, CheckLinkEnds
from shared.contracts.projects.audience import CHECK_PROJECT_AUDIENCE, CheckProjectAudience
from shared.contracts.threads.audience import CHECK_AUDIENCE, CheckAudience
from shared.messaging.context import NO_CONTEXT, current_context

MOST_KEPT = 20_000
MOST_ASKED = 1_000
"""Viewers in one call."""
KEPT_FOR = 30.0
"""Seconds. What changes who sees what is told by events; this is the net for one that comes late."""

type Key = tuple[Scope, UUID]
type Sights = dict[Viewer, Sight]


class Audience:
    """Those who see one thread or project.

    through: the number of the last viewer of its workspace that was asked for; more: those who came later and were asked for alone.
    generation: grows when an event changed who sees it. former: users who saw it until it was deleted.
    """

    __slots__ = ("asking", "former", "generation", "key", "more", "project_id", "scope", "sights", "through", "until", "workspace_id")

    def __init__(self, scope: Scope, workspace_id: UUID, key: UUID) -> None:
        self.scope, self.workspace_id, self.key = scope, workspace_id, key
        self.sights: Sights = {}
        self.more: set[Viewer] = set()
        self.through = self.generation = 0
        self.until = 0.0
        self.asking = asyncio.Lock()
        self.project_id: UUID | None = None
        self.former: set[UUID] = set()

    @property
    def decided_by(self) -> UUID:
        """What one must have joined to see it. Of a project's thread that is the project: its copy of the members comes later."""
        return self.project_id or self.key

    def knows(self, viewer: Viewer) -> bool:
        return viewer.number <= self.through or viewer in self.more

    def put(self, asked: Iterable[Viewer], sights: Sights) -> None:
        """What its owner said of those that were asked for."""
        for viewer in asked:
            sight = sights.get(viewer)
            if sight is None:
                self.sights.pop(viewer, None)
            else:
                self.sights[viewer] = sight


class Audiences:
    def __init__(self, call: Call, viewers: Viewers) -> None:
        self._call, self._viewers = call, viewers
        self._kept: OrderedDict[Key, Audience] = OrderedDict()
        self._gathering: dict[Audience, tuple[set[Viewer], asyncio.Task[None]]] = {}

    def find(self, scope: Scope, key: UUID) -> Audience | None:
        return self._kept.get((scope, key))

    def of_project(self, project_id: UUID) -> list[Audience]:
        """The project's own, and that of its thread, as far as they are kept."""
        return [audience for audience in self._kept.values() if audience.decided_by == project_id]

    def get(self, scope: Scope, workspace_id: UUID, key: UUID) -> Audience:
        found = self._kept.get((scope, key))
        if found is None:
            found = self._kept[scope, key] = Audience(scope, workspace_id, key)
        self._kept.move_to_end((scope, key))
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return found

    def forget(self) -> None:
        """Everything: each is asked again."""
        self._kept.clear()

    async def settle(self, audience: Audience) -> None:
        """Know of all viewers of its workspace. Raises `ServiceIsUnavailable`."""
        while not await self._settled(audience):
            """An event came in between, and what was said may be from before it."""

    async def _settled(self, audience: Audience) -> bool:
        now, generation = time.monotonic(), audience.generation
        anew = now > audience.until
        later = self._viewers.later_than(audience.workspace_id, 0 if anew else audience.through)
        viewers = [viewer for viewer in later if anew or viewer not in audience.more]
        sights = await self.ask(audience, viewers)
        if generation != audience.generation:
            return False
        if anew:
            audience.sights, audience.until = {}, now + KEPT_FOR
            audience.more.clear()
        audience.put(viewers, sights)
        audience.through = max((viewer.number for viewer in viewers), default=audience.through)
        audience.more = {viewer for viewer in audience.more if viewer.number > audience.through}
        return True

    async def settle_for(self, audience: Audience, viewer: Viewer) -> None:
        """Know of one viewer; those who come while another question is open are asked for together. Raises `ServiceIsUnavailable`."""
        while not audience.knows(viewer):
            gathering = self._gathering.get(audience)
            if gathering is None:
                viewers: set[Viewer] = set()
                gathering = self._gathering[audience] = viewers, asyncio.create_task(self._settle_some(audience, viewers))
            viewers, task = gathering
            viewers.add(viewer)
            await asyncio.shield(task)

    async def _settle_some(self, audience: Audience, viewers: set[Viewer]) -> None:
        async with audience.asking:  # one question at a time: those who come until it is answered are in the next one
            await asyncio.sleep(0)
            del self._gathering[audience]
            generation, asked = audience.generation, list(viewers)
            sights = await self.ask(audience, asked)
            if generation == audience.generation:  # else an event came in between, and what was said may be old
                audience.put(asked, sights)
                audience.more.update(asked)

    async def ask(self, audience: Audience, viewers: Sequence[Viewer]) -> Sights:
        """How those of them who see it do, by the word of its owner. Raises `ServiceIsUnavailable`."""
        if not viewers:
            return {}
        current_context.set(NO_CONTEXT)
        asks = [self._ask(audience, some) for some in batched(viewers, MOST_ASKED, strict=False)]
        sights: Sights = {}
        for found in await asyncio.gather(*asks):
            sights |= found
        return sights

    async def see_ends(self, happening: Happening, viewers: Iterable[Viewer]) -> set[Viewer]:
        """Those who see both ends of the link that it is about. Raises `ServiceIsUnavailable`."""
        current_context.set(NO_CONTEXT)
        link = happening.payload["link"]
        request = CheckLinkEnds.model_validate({name: link[name] for name in ("sourceType", "sourceId", "targetType", "targetId")})
        asked = list(viewers)
        seen = await asyncio.gather(*(self._call(CHECK_LINK_ENDS, request, viewer.principal) for viewer in asked))
        return {viewer for viewer, one in zip(asked, seen, strict=True) if one.seen}

    async def _ask(self, audience: Audience, viewers: Sequence[Viewer]) -> Sights:
        if audience.scope is Scope.PROJECT:
            return await self._of_project(audience, viewers)
        request = CheckAudience(
            workspace_id=audience.workspace_id,
            thread_id=audience.key,
            callers=[viewer.principal for viewer in viewers],
        )
        reply = await self._call(CHECK_AUDIENCE, request, None)
        audience.project_id = reply.project_id
        return {
            viewers[seen.place]: Sight(
                notes=seen.notes,
                guarded=seen.hidden_robots,
                seen_from=seen.seen_from.timestamp() if seen.seen_from else None,
                joined_at=seen.joined_at.timestamp() if seen.joined_at else None,
            )
            for seen in reply.seen_by
        }

    async def _of_project(self, audience: Audience, viewers: Sequence[Viewer]) -> Sights:
        users = list({viewer.principal.user_id for viewer in viewers})
        request = CheckProjectAudience(workspace_id=audience.workspace_id, project_id=audience.key, users=users)
        reply = await self._call(CHECK_PROJECT_AUDIENCE, request, None)
        audience.former.update(reply.former)
        joined = {member.user_id: member.joined_at.timestamp() for member in reply.members}
        return {viewer: Sight(joined_at=joined[viewer.principal.user_id]) for viewer in viewers if viewer.principal.user_id in joined}
