"""Coming back: what happened after a cursor, from the ring, or else from the stream; then live, without a gap or a double."""

import asyncio
import time

from services.gateway.realtime.audiences import Audience, Audiences
from services.gateway.realtime.connections import Close, Connection, Viewer
from services.gateway.realtime.cursors import Cursor
from services.gateway.realtime.deliveries import Deliveries
from services.gateway.realtime.feed import Feed, seq_of
from services.gateway.realtime.frames import frame
from services.gateway.realtime.happenings import Happening, happening_of
from services.gateway.realtime.kinds import Scope
from services.gateway.realtime.metrics import RESETS, RESUMED
from services.gateway.realtime.parts import Part, Parts, Seen
from services.gateway.realtime.pipeline import Pipeline
from services.gateway.realtime.ring import Ring
from services.gateway.realtime.turns import Turn, access_changed
from services.gateway.realtime.visibility import OWN, shows
from shared.contracts.principal import Principal
from shared.contracts.refusals import CursorIsNotValid

PART = 200
"""Events of the ring between two looks at what else is to do."""
AT_ONCE = 4
"""Clients to whom a part is shown in one turn of the loop: a thousand who come back together keep nobody else waiting."""
PART_BYTES = 384 * 1024
"""More than the longest event; with what is unsent already, less than what makes a client too slow (`ATRIUM_SOCKET_BUFFER`)."""
MOST_UNSENT = 256 * 1024
"""Bytes that a client may leave unread before more is read for it."""
STALLED = 30.0  # seconds without reading anything
MOST_READING = 8
"""Clients for whom the stream is read at once."""
TOO_OLD, STREAM_LOST = "tooOld", "streamLost"


class PartIsGone(Exception):
    """The stream has let go of what comes next."""


class CatchingUp:
    def __init__(self, feed: Feed, ring: Ring, audiences: Audiences, deliveries: Deliveries, pipeline: Pipeline) -> None:
        self._feed, self._ring, self._audiences, self._deliveries, self._pipeline = feed, ring, audiences, deliveries, pipeline
        self._reading, self._showing = asyncio.Semaphore(MOST_READING), asyncio.Semaphore(AT_ONCE)
        self._parts = Parts()

    async def begin(self, connection: Connection, cursor: str | None) -> int:
        """Put `ready`, and `reset` where the cursor cannot be resumed from; where the connection goes on from."""
        now = self._pipeline.cursor
        if cursor is None:
            self._deliveries.put(connection, frame("ready", {}, str(now)))
            return now.seq
        wanted = Cursor.read(cursor)
        if wanted is None:
            raise CursorIsNotValid
        reason = await self._why_not(wanted)
        self._deliveries.put(connection, frame("ready", {}, cursor))  # a newer one comes with the reset, so that none has it without
        return wanted.seq if reason is None else self.reset(connection, reason)

    async def go_on(self, connection: Connection, position: int) -> None:
        """Everything after the position, then live."""
        attempt = connection.begin()
        connection.position, caught_up = position, 0
        while not connection.closed and connection.attempt == attempt:
            if position >= self._ring.head:
                if not self._pipeline.advancing and position == self._ring.head:
                    connection.viewer.connections.append(connection)
                    connection.position = None
                    RESUMED.observe(caught_up)
                    return
                await self._pipeline.rested_again()
                continue
            try:
                part = await self._next(position)
            except PartIsGone:
                if connection.attempt == attempt:
                    connection.position = position = self.reset(connection, TOO_OLD)
                continue
            sights = await self._settled(connection.viewer, part)
            hidden = await self._hidden(connection.viewer, part, sights)
            async with self._showing:
                if connection.closed or connection.attempt != attempt:
                    return
                if self._sights(connection.viewer, part) != sights:  # it changed while this one waited
                    continue
                self._show(connection, part, sights, hidden)
                self._deliveries.flush()
                connection.position = position = part.reached
                await asyncio.sleep(0)
            caught_up += len(part.happenings)
            await self._until_read(connection)

    async def _why_not(self, wanted: Cursor) -> str | None:
        """Why a cursor cannot be resumed from."""
        if wanted.stream != self._feed.identity:
            return STREAM_LOST
        if self._ring.base <= wanted.seq <= self._ring.head:
            return None
        extent = await self._feed.extent()
        if wanted.seq > extent.last:
            return STREAM_LOST
        return None if wanted.seq >= extent.first - 1 else TOO_OLD

    def reset(self, connection: Connection, reason: str) -> int:
        """Tell it to reload; it goes on from now."""
        RESETS.labels(reason).inc()
        now = self._pipeline.cursor
        self._deliveries.put(connection, frame("reset", {"reason": reason}, str(now)))
        return now.seq

    async def _next(self, position: int) -> Part:
        found = self._ring.after(position, PART, PART_BYTES)
        if found is None:
            return await self._page(position)
        whole = not found or found[-1].seq == self._ring.last
        stream, reached = self._feed.identity, self._ring.head if whole else found[-1].seq
        return self._parts.find(stream, position, reached) or self._parts.keep(Part(found, reached), stream, position, reached)

    async def _page(self, position: int) -> Part:
        """Of the stream."""
        stream = self._feed.identity
        kept = self._parts.find(stream, position)
        if kept is not None:
            return kept
        async with self._reading:
            page = await self._feed.page(position, most_bytes=PART_BYTES)
            if not page.messages or seq_of(page.messages[0]) > position + 1:
                await self._check_first(position)
        head = self._ring.head
        read = [happening_of(message, seq_of(message), stream) for message in page.messages if seq_of(message) <= head]
        reached = min(page.reached, head) if page.messages else self._ring.base
        return self._parts.keep(Part([one for one in read if one is not None], reached), stream, position)

    async def _check_first(self, position: int) -> None:
        """While somebody who is slow catches up, what comes next may grow too old."""
        if (await self._feed.extent()).first > position + 1:
            raise PartIsGone

    async def _settled(self, viewer: Viewer, part: Part) -> Seen:
        """How the viewer sees each thread and project of a part; their owners are asked where it is not known."""
        while (sights := self._sights(viewer, part)) is None:
            unknown = [audience for audience in self._concerned(viewer, part) if not audience.knows(viewer)]
            await asyncio.gather(*(self._audiences.settle_for(audience, viewer) for audience in unknown))
        return sights

    def _sights(self, viewer: Viewer, part: Part) -> Seen | None:
        """The same, at this moment; None where it is not known."""
        audiences = self._concerned(viewer, part)
        if not all(audience.knows(viewer) for audience in audiences):
            return None
        return {(audience.scope, audience.key): audience.sights.get(viewer) for audience in audiences}

    def _concerned(self, viewer: Viewer, part: Part) -> list[Audience]:
        workspace_id = viewer.principal.workspace_id
        return [self._audiences.get(scope, workspace_id, key) for scope, key in part.places.get(workspace_id, ())]

    async def _hidden(self, viewer: Viewer, part: Part, sights: Seen) -> set[int]:
        """Links of a part that lead to or from where the viewer sees nothing."""
        links = [one for one in part.happenings if one.kind.linking and sights.get((one.scope, one.key)) is not None]
        seen = await asyncio.gather(*(self._audiences.see_ends(one, [viewer]) for one in links))
        return {one.seq for one, viewers in zip(links, seen, strict=True) if not viewers}

    def _show(self, connection: Connection, part: Part, sights: Seen, hidden: set[int]) -> None:
        if connection.interests is None and not part.is_personal(connection.viewer.principal):
            self._deliveries.put_all(connection, part.told(connection.viewer.principal, sights))
        else:
            self._show_one_by_one(connection, part, sights, hidden)

    def _show_one_by_one(self, connection: Connection, part: Part, sights: Seen, hidden: set[int]) -> None:
        principal = connection.viewer.principal
        turns = {one.seq: turn for one, turn in part.turning if one.workspace_id == principal.workspace_id}
        joined = {one.key: one.seq for one, turn in part.turning if one.seq in turns and turn.brings(principal)}
        decided_by = {(each.scope, each.key): each.decided_by for each in self._concerned(connection.viewer, part)}
        for one in part.happenings:
            if one.workspace_id != principal.workspace_id or one.seq in hidden:
                continue
            own = OWN if one.key == principal.user_id else None
            sight = own if one.scope is Scope.USER else sights[one.scope, one.key]
            turn = turns.get(one.seq)
            if turn is not None and (((turn.joins or turn.leaves) and turn.names(principal)) or self._ends(one, turn, principal)):
                changed = access_changed(one.scope, one.key, one.frame.cursor, access=sight is not None)
                self._deliveries.put(connection, changed)
            if sight is None or not shows(one, principal, sight):
                continue
            if not one.opens and one.seq < joined.get(decided_by.get((one.scope, one.key), one.key), 0):
                continue
            if connection.interests is None or connection.interests.want(one.key, one.kind.type):
                self._deliveries.put(connection, one.frame)

    def _ends(self, happening: Happening, turn: Turn, principal: Principal) -> bool:
        """Whether it is the end of what they saw."""
        audience = self._audiences.find(happening.scope, happening.key) if turn.ends else None
        return audience is not None and principal.user_id in audience.former

    async def _until_read(self, connection: Connection) -> None:
        """A slow reader has as much of what was as it takes, and no more waits for it here."""
        await asyncio.sleep(0)
        unsent, since = connection.carrier.unsent, time.monotonic()
        while unsent > MOST_UNSENT and not connection.closed:
            await asyncio.sleep(0.01)
            left = connection.carrier.unsent
            if left < unsent:
                unsent, since = left, time.monotonic()
            elif time.monotonic() - since > STALLED:
                connection.carrier.close(Close.TOO_SLOW, "too slow: resume")
                return
