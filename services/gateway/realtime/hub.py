"""Brings what happens to everybody who may see it: the one place where the stream, the audiences and the connections meet."""

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine
from typing import Any
from uuid import UUID

import structlog

from services.gateway.realtime.audiences import Audiences
from services.gateway.realtime.catching_up import STREAM_LOST, CatchingUp
from services.gateway.realtime.connections import Authorize, Carrier, Close, Connection, Viewer
from services.gateway.realtime.deliveries import Deliveries
from services.gateway.realtime.feed import Feed
from services.gateway.realtime.frames import Frame, frame
from services.gateway.realtime.happenings import Happening
from services.gateway.realtime.kinds import Scope
from services.gateway.realtime.pipeline import Ending, Pipeline
from services.gateway.realtime.ring import MOST_BYTES, Ring
from services.gateway.realtime.viewers import Viewers
from services.gateway.routing import Call
from shared.contracts.identity.accounts import UserSuspended
from shared.contracts.identity.members import MemberRemoved
from shared.contracts.identity.roles import RoleChanged, RoleDeleted
from shared.contracts.identity.service_accounts import ServiceTokenRevoked, ServiceTokenRotated
from shared.contracts.identity.sessions import SessionEnded
from shared.contracts.model import Event
from shared.contracts.principal import Principal
from shared.contracts.refusals import Forbidden, Refusal, ServiceIsUnavailable, Unauthenticated
from shared.messaging.context import NO_CONTEXT, current_context

log = structlog.get_logger()

CHECK_AGAIN = 120.0
"""Seconds after which a connection's session is asked about again: the net for an event that comes late."""
SWEEP = 5.0


class Hub:
    """most_per_user: live connections of one user; 0 is no limit. ring_bytes: memory for the newest events."""

    def __init__(self, call: Call, *, most_per_user: int, ring_bytes: int = MOST_BYTES) -> None:
        self._feed, self._ring = Feed(), Ring(ring_bytes)
        self._viewers = Viewers(most_per_user)
        self._audiences, self._deliveries = Audiences(call, self._viewers), Deliveries()
        self._pipeline = Pipeline(
            self._feed, self._ring, self._viewers, self._audiences, self._deliveries, ended=self._ended, lost=self._lost
        )
        self._catching_up = CatchingUp(self._feed, self._ring, self._audiences, self._deliveries, self._pipeline)
        self._tasks: set[asyncio.Task[None]] = set()
        self._comes: Callable[[Connection], None] = _ignore
        self._goes: Callable[[Connection], None] = _ignore

    def attend(self, comes: Callable[[Connection], None], goes: Callable[[Connection], None]) -> None:
        """Let somebody know of each connection that comes, and goes."""
        self._comes, self._goes = comes, goes

    def listen(self, events: Collection[type[Event]], hears: Callable[[Happening], None]) -> None:
        """Let somebody here know of these events, at their place in the stream. One for each."""
        self._pipeline.listen(events, hears)

    async def start(self, nats_url: str, password: str | None) -> None:
        """Raises what the connection to NATS does."""
        await self._feed.open(nats_url, password)
        self._keep(self._pipeline.run())
        self._keep(self._sweep())

    async def stop(self) -> None:
        """Close all connections, which are to come back to another gateway, or to this one when it is there again."""
        for connection in list(self._viewers):
            connection.carrier.close(Close.RESTART, "restarting: come back after 1 to 10 seconds, at random")
            self.disconnect(connection)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._feed.close()

    async def until_ready(self, seconds: float) -> bool:
        """Whether the stream has been read within that time."""
        try:
            async with asyncio.timeout(seconds):
                await self._pipeline.until_ready()
        except TimeoutError:
            return False
        return True

    @property
    def ready(self) -> bool:
        """Whether the stream has been read."""
        return self._pipeline.ready

    @property
    def cursor(self) -> str:
        """Of all that has been told. Read it before a snapshot's first query, and nothing is missing between the two.

        Raises `ServiceIsUnavailable` until the stream has been read.
        """
        return str(self._pipeline.cursor)

    def connect(self, principal: Principal, session_id: UUID, carrier: Carrier, authorize: Authorize) -> Connection:
        """A connection that is told nothing yet. authorize: asks identity about it again.

        Raises `TooManyConnections` (429) for a user who has as many as they may, and `ServiceIsUnavailable` until the stream has been read.
        """
        if not self._pipeline.ready:
            raise ServiceIsUnavailable
        connection = self._viewers.add(principal, session_id, carrier, authorize, time.monotonic())
        self._comes(connection)
        return connection

    async def follow(self, connection: Connection, cursor: str | None) -> None:
        """Put `ready`, then what came after the cursor, then all that comes. Returns once the connection is live (or closed).

        Called again on an open connection (`resume`), it goes back to that cursor. A cursor that cannot be resumed from puts `ready` and
        `reset`, and goes on from now. Raises `CursorIsNotValid` for what is no cursor, and `ServiceIsUnavailable`.
        """
        await self._catching_up.go_on(connection, await self._catching_up.begin(connection, cursor))

    def renew(self, connection: Connection, principal: Principal, session_id: UUID, authorize: Authorize) -> None:
        """The connection's token was renewed, by the same user in the same workspace."""
        connection.authorize, connection.authorized_at = authorize, time.monotonic()
        self._move(connection, principal, session_id)

    def disconnect(self, connection: Connection) -> None:
        """It is gone. Again changes nothing."""
        if not connection.closed:
            connection.closed = True
            self._viewers.remove(connection)
            self._goes(connection)

    def put(self, connection: Connection, frame: Frame) -> None:
        """Let one connection have a frame, after all that was put before it, in this turn of the loop."""
        self._deliveries.put(connection, frame)

    async def tell(self, scope: Scope, workspace_id: UUID, key: UUID, frame: Frame, *, but: UUID | None = None) -> None:
        """Put a transient frame to all live connections of those who see the thread or project, or to the user; `but`: not to this user.

        Raises `ServiceIsUnavailable`.
        """
        viewers: list[Viewer]
        if scope is Scope.USER:
            viewers = self._viewers.of_user(key, workspace_id)
        elif self._viewers.of_workspace(workspace_id):
            audience = self._audiences.get(scope, workspace_id, key)
            await self._audiences.settle(audience)
            viewers = list(audience.sights)
        else:
            return
        for viewer in viewers:
            if viewer.principal.user_id != but:
                for connection in viewer.connections:
                    if connection.interests is None or connection.interests.want(key, frame.type):
                        self._deliveries.put(connection, frame)

    def _move(self, connection: Connection, principal: Principal, session_id: UUID) -> None:
        if self._viewers.move(connection, principal, session_id):
            changed = frame("accessChanged", {"workspaceId": str(principal.workspace_id), "access": True})
            self._deliveries.put(connection, changed)

    def _ended(self, ending: Ending) -> None:
        """What identity says takes effect at its place in the stream: nothing later is told whoever it concerns until that is known."""
        event, workspace_id = ending.event, ending.workspace_id
        if isinstance(event, SessionEnded):
            lost = (Close.ACCESS_LOST, "access was lost")
            why = lost if event.reason == "suspended" else (Close.SIGN_IN_AGAIN, "the session has ended")
            for connection in self._viewers.of_session(event.session_id):
                self._close(connection, *why)
        elif isinstance(event, UserSuspended | MemberRemoved):
            for connection in self._viewers.connections_of(self._viewers.of_user(event.entity_id, workspace_id)):
                self._close(connection, Close.ACCESS_LOST, "access was lost")
        elif isinstance(event, RoleChanged | RoleDeleted):
            for connection in self._viewers.connections_of(self._viewers.of_workspace(workspace_id) if workspace_id else ()):
                self._check(connection, ending.seq)
        else:
            user_id = event.account_id if isinstance(event, ServiceTokenRevoked | ServiceTokenRotated) else event.entity_id
            for connection in self._viewers.connections_of(self._viewers.of_user(user_id, workspace_id)):
                self._check(connection, ending.seq)

    def _close(self, connection: Connection, code: int, reason: str) -> None:
        connection.carrier.close(code, reason)
        self.disconnect(connection)

    def _check(self, connection: Connection, seq: int) -> None:
        """Ask identity about a connection; if it may, it catches up from there, or from where it was in catching up."""
        if connection in connection.viewer.connections:
            connection.position = seq
        connection.begin()
        self._keep(self._checked(connection))

    async def _checked(self, connection: Connection) -> None:
        if await self._still_may(connection) and connection.position is not None:
            await self._go_on(connection, connection.position)

    async def _go_on(self, connection: Connection, position: int) -> None:
        """One that cannot is closed, and comes back: it would be told nothing more."""
        try:
            await self._catching_up.go_on(connection, position)
        except Exception:
            self._close(connection, Close.RESTART, "come back after 1 to 10 seconds, at random, and resume")
            raise

    async def _still_may(self, connection: Connection) -> bool:
        """Whether identity lets it go on; it is closed else. While identity is away, nobody knows: it waits."""
        current_context.set(NO_CONTEXT)
        while not connection.closed:
            try:
                principal = await connection.authorize()
            except Unauthenticated:
                self._close(connection, Close.SIGN_IN_AGAIN, "sign in again")
            except Forbidden:
                self._close(connection, Close.ACCESS_LOST, "access was lost")
            except ServiceIsUnavailable:
                await asyncio.sleep(1)
            except Refusal as refusal:
                self._close(connection, Close.SIGN_IN_AGAIN, refusal.code)
            else:
                connection.authorized_at = time.monotonic()
                if not connection.closed:
                    self._move(connection, principal, connection.session_id)
                return not connection.closed
        return False

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            before = time.monotonic() - CHECK_AGAIN
            for connection in self._viewers:
                if connection.authorized_at < before:
                    connection.authorized_at = time.monotonic()
                    self._keep(self._still_may(connection))

    def _lost(self) -> None:
        """The stream is another: nobody's cursor means anything, and what happened meanwhile is not known."""
        self._audiences.forget()
        for connection in list(self._viewers):
            connection.begin()
            connection.position = None
            self._keep(self._start_anew(connection))

    async def _start_anew(self, connection: Connection) -> None:
        await self._pipeline.until_ready()
        await self._go_on(connection, self._catching_up.reset(connection, STREAM_LOST))

    def _keep(self, work: Coroutine[Any, Any, object]) -> None:
        async def run() -> None:
            try:
                await work
            except ServiceIsUnavailable:
                log.warning("realtime_waits")
            except Exception:
                log.exception("realtime_failed")

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _ignore(_: Connection) -> None:
    """Nobody attends."""
