"""One WebSocket: who it is, what they ask for, and its end."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from pydantic_core import to_json
from starlette.types import Send

from services.gateway.bodies import filled, parse_json
from services.gateway.errors import FrameIsNotKnown, TokenIsOfAnother
from services.gateway.realtime.answers import Answer, FrameId, Heartbeat, check_id, refused, reply
from services.gateway.realtime.connections import Close, Connection
from services.gateway.realtime.live import Live, Signed, back_in, code_of
from services.gateway.realtime.metrics import FRAMES_UP, OPEN, OTHER, SOCKET, count_close
from services.gateway.realtime.protocol import SocketProtocol
from services.gateway.realtime.requests import Auth, Peer, Ping, Resume, Subscribe, Typing
from services.gateway.replies import REPLAYED, Headers, Reply
from shared.contracts.gateway.presence import ShowPresence
from shared.contracts.refusals import FieldError, InternalError, Refusal, RequestIsInvalid, RequestIsMalformed
from shared.identifiers import new_id
from shared.messaging.context import Context, current_context, new_trace

log = structlog.get_logger()

AT_ONCE = 16  # frames of one socket that wait or are worked on; then nothing more is read
SECONDS = 10.0  # that one frame's calls may take
BROKEN = 1011


class Upgraded(Reply):
    """101: from here on it is frames."""

    def __init__(self, session: "Session", cursor: str | None) -> None:
        super().__init__(101, b"", ())
        self._session, self._cursor = session, cursor

    async def send(self, send: Send, more_headers: Headers = ()) -> None:
        try:
            await send({"type": "websocket.accept", "headers": [*self.headers, *more_headers]})
        except OSError:  # it has left meanwhile
            self._session.lost()
        else:
            self._session.begin(self._cursor)


class Session:
    """What comes is done in its order. A socket that says nothing has no task."""

    __slots__ = (
        *("_following", "_live", "_lost", "_network", "_signed", "_socket", "_told", "_until", "_waiting", "_was_live"),
        *("connection", "unfinished"),
    )

    def __init__(self, live: Live, socket: SocketProtocol, network: str, signed: Signed | None) -> None:
        self._live, self._socket, self._network, self._signed = live, socket, network, signed
        self._waiting: deque[bytes] | None = None  # an empty deque has 600 bytes
        self._following: asyncio.Task[None] | None = None
        self._until: asyncio.TimerHandle | None = None
        self._told: str | None = None
        self._lost = self._was_live = False
        self.unfinished: asyncio.Task[None] | None = None
        self.connection: Connection | None = live.connect(signed, socket) if signed is not None else None
        live.open.add(self)
        OPEN.labels(SOCKET).inc()

    def begin(self, cursor: str | None) -> None:
        """The socket is open."""
        self._socket.take(self)
        if self._lost:
            return
        if self._signed is None:
            self._ends_in(self._live.patience, "sign in first, with an auth frame")
        else:
            self._ends_in(self._signed.expires_in, "the token has ended")
            self._follow(cursor, None)

    def received(self, text: bytes) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(text)
        if len(self._waiting) >= AT_ONCE:
            self._socket.pause()
        if self.unfinished is None:
            self.unfinished = asyncio.get_running_loop().create_task(self._work())

    def beat(self) -> None:
        """Somebody who was told nothing since the last one gets a fresh cursor."""
        connection = self.connection
        if connection is None or connection not in connection.viewer.connections:
            return
        if self._socket.cursor == self._told:
            cursor = self._live.cursor
            if cursor is not None:
                self._told = cursor
                self._live.hub.put(connection, Heartbeat(cursor))
        else:
            self._told = self._socket.cursor

    def restart(self) -> None:
        self._socket.close(Close.RESTART, f"restarts; come back in {back_in():.1f} s")

    def lost(self) -> None:
        if self._lost:
            return
        self._lost, code = True, self._socket.closed_with or Close.PROTOCOL
        if code >= Close.PROTOCOL:  # what one who leaves has said before is done
            self._waiting = None
        for each in (self._following, self._until):
            if each is not None:
                each.cancel()
        if self.connection is not None:
            self._live.hub.disconnect(self.connection)
        self._live.open.discard(self)
        OPEN.labels(SOCKET).dec()
        count_close(SOCKET, code)

    async def _work(self) -> None:
        """All that waits, one after another."""
        try:
            while self._waiting:
                text = self._waiting.popleft()
                current_context.set(Context(time.time() + SECONDS, new_trace(), str(new_id())))
                await self._do(text)
                if self._waiting is not None and len(self._waiting) < AT_ONCE:
                    self._socket.resume()
        finally:
            self.unfinished = None
            if not self._waiting:
                self._waiting = None

    async def _do(self, text: bytes) -> None:
        try:
            frame = parse_json(text)
        except RequestIsMalformed:
            frame = None
        if not isinstance(frame, dict):
            self._socket.close(Close.PROTOCOL, "a frame is a JSON object")
            return
        type, id = frame.pop("type", None), frame.pop("id", None)
        FRAMES_UP.labels(type if isinstance(type, str) and type in DOES else OTHER).inc()
        if self.connection is None and type != "auth":
            self._socket.close(Close.SIGN_IN_AGAIN, "sign in first, with an auth frame")
            return
        try:
            check_id(id)
            answer = await self._answer(type, frame, id)
        except Refusal as refusal:
            self._refuse(id if isinstance(id, str | int) else None, refusal, ends=self.connection is None)
        else:
            if answer is not None:
                self._put(answer)

    async def _answer(self, type: Any, fields: dict[str, Any], id: FrameId) -> Answer | None:
        does = DOES.get(type) if isinstance(type, str) else None
        if does is None:
            raise FrameIsNotKnown
        if type in _BY_PEOPLE and self.connection is not None:
            self._live.transient.heard(self.connection)
        try:
            return await does(self, type, fields, id)
        except Refusal:
            raise
        except Exception:
            log.exception("frame_failed", type=type)
            raise InternalError from None

    async def _auth(self, type: str, fields: dict[str, Any], id: FrameId) -> Answer | None:
        """The first one signs in; later ones renew the token."""
        asked = filled(Auth, fields)
        if self.connection is not None and asked.cursor is not None:
            raise RequestIsInvalid(errors=[FieldError(field="cursor", code="unknown_field", detail="`resume` goes back to a cursor.")])
        signed = await self._live.signed(asked.token.encode(), Peer(self._network))
        if self._lost:
            return None
        if self.connection is None:
            interests = asked.added_to(None)
            self.connection = self._live.connect(signed, self._socket)
            self.connection.interests = interests
            self._follow(asked.cursor, None)
        else:
            had, has = self.connection.viewer.principal, signed.principal
            if (had.user_id, had.workspace_id) != (has.user_id, has.workspace_id):
                raise TokenIsOfAnother
            self._live.renew(self.connection, signed)
        self._signed = signed
        self._ends_in(signed.expires_in, "the token has ended")
        return None if id is None else reply(id, b"{}")

    async def _subscribe(self, type: str, fields: dict[str, Any], id: FrameId) -> Answer | None:
        assert self.connection is not None
        asked, had = filled(Subscribe, fields), self.connection.interests
        self.connection.interests = asked.added_to(had) if type == "subscribe" else asked.taken_from(had)
        now = self.connection.interests
        return None if id is None else reply(id, to_json({"names": 0 if now is None else now.size}))

    async def _resume(self, type: str, fields: dict[str, Any], id: FrameId) -> None:
        """Costs what connecting costs, and counts as that."""
        asked = filled(Resume, fields)
        assert self._signed is not None
        await self._live.again(self._signed.token, Peer(self._network))
        self._follow(asked.cursor, id)

    async def _as_over_http(self, type: str, fields: dict[str, Any], id: FrameId) -> Answer | None:
        assert self._signed is not None
        done = await self._live.same_way(type, fields, self._signed.token, Peer(self._network))
        return None if id is None else reply(id, done.body, replayed=REPLAYED in done.headers)

    async def _typing(self, type: str, fields: dict[str, Any], id: FrameId) -> Answer | None:
        assert self.connection is not None
        asked = filled(Typing, fields)
        await self._live.transient.typing(self.connection.viewer.principal, asked.thread_id, asked.is_typing)
        return None if id is None else reply(id, b"{}")

    async def _presence(self, type: str, fields: dict[str, Any], id: FrameId) -> Answer | None:
        assert self.connection is not None
        shown = await self._live.transient.presence(self.connection, filled(ShowPresence, fields))
        return None if id is None else reply(id, shown.model_dump_json(by_alias=True).encode())

    async def _ping(self, type: str, fields: dict[str, Any], id: FrameId) -> Answer:
        filled(Ping, fields)
        return Answer("pong", id)

    def _follow(self, cursor: str | None, id: FrameId) -> None:
        """Beside what else is asked: it may take long."""
        if self._lost:
            return
        if self._following is not None:
            self._following.cancel()
        self._following = asyncio.get_running_loop().create_task(self._catch_up(cursor, id))

    async def _catch_up(self, cursor: str | None, id: FrameId) -> None:
        assert self.connection is not None
        try:
            await self._live.follow(self.connection, cursor)
        except Refusal as refusal:
            self._refuse(id, refusal, ends=not self._was_live)
        except Exception:
            log.exception("following_failed")
            self._socket.close(BROKEN, "something went wrong on our side")
        else:
            self._was_live = True
            if id is not None:
                self._put(reply(id, b"{}"))
        if self._following is asyncio.current_task():
            self._following = None

    def _refuse(self, id: FrameId, refusal: Refusal, *, ends: bool) -> None:
        self._put(refused(id, refusal))
        if ends:
            code = code_of(refusal)
            if self.connection is not None:  # what was put is written at the end of this turn
                asyncio.get_running_loop().call_soon(self._socket.close, code, refusal.code)
            else:
                self._socket.close(code, refusal.code)

    def _put(self, answer: Answer) -> None:
        if self._lost:
            return
        if self.connection is None:
            self._socket.write([answer])
        else:
            self._live.hub.put(self.connection, answer)

    def _ends_in(self, seconds: float | None, reason: str) -> None:
        if self._until is not None:
            self._until.cancel()
        loop = asyncio.get_running_loop()
        self._until = None if seconds is None else loop.call_later(seconds, self._socket.close, Close.SIGN_IN_AGAIN, reason)


_BY_PEOPLE = {"post", "read", "typing", "presence"}
"""What nobody's program says by itself."""

DOES: dict[str, Callable[[Session, str, dict[str, Any], FrameId], Awaitable[Answer | None]]] = {
    "auth": Session._auth,
    "subscribe": Session._subscribe,
    "unsubscribe": Session._subscribe,
    "resume": Session._resume,
    "post": Session._as_over_http,
    "read": Session._as_over_http,
    "typing": Session._typing,
    "presence": Session._presence,
    "ping": Session._ping,
}
