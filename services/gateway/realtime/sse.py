"""One event stream (WHATWG HTML, 9.2): the same events as over a WebSocket, for those who only listen."""

import asyncio
import socket
from collections.abc import Sequence

import structlog
from pydantic_core import to_json
from starlette.types import Send

from services.gateway.bodies import filled
from services.gateway.exchange import Exchange
from services.gateway.realtime.answers import Heartbeat
from services.gateway.realtime.connections import Close
from services.gateway.realtime.frames import Frame, Joined
from services.gateway.realtime.interests import Interests
from services.gateway.realtime.live import TRY_AGAIN, Live, Signed, back_in, code_of
from services.gateway.realtime.metrics import OPEN, STREAM, count_close
from services.gateway.realtime.requests import Subscribe
from services.gateway.replies import NO_STORE, Headers, Reply
from shared.contracts.refusals import Refusal

log = structlog.get_logger()

EVENT_STREAM = "text/event-stream"
HEADERS = ((b"content-type", EVENT_STREAM.encode()), NO_STORE, (b"x-accel-buffering", b"no"))
LEFT = 1006  # the client has gone, and said nothing
UNANSWERED = 60.0
"""Seconds until a connection is given up whose other end takes nothing of what is sent: an event stream has no pings."""
_COMMENT, _END = b":\n\n", b"0\r\n\r\n"


class EventStream(Reply):
    """200, and then what happens, for as long as its client stays. It is its own `Carrier`: ready pieces, straight to the transport."""

    def __init__(self, live: Live, exchange: Exchange, signed: Signed, cursor: str | None, interests: Interests | None) -> None:
        super().__init__(200, b"", HEADERS)
        self._live, self._exchange, self._signed, self._cursor = live, exchange, signed, cursor
        self._transport: asyncio.Transport = exchange.scope["atrium.transport"]
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._following: asyncio.Task[None] | None = None
        self._code: int | None = None
        self._told: str | None = None
        self._written: str | None = None
        self.unfinished: asyncio.Task[None] | None = None
        self.connection = live.connect(signed, self)
        self.connection.interests = interests

    async def send(self, send: Send, more_headers: Headers = ()) -> None:
        """Until the client leaves, or is sent away."""
        self._exchange.scope["atrium.live"] = True
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # elsewhere it takes as long as the system's own patience
            own: socket.socket = self._transport.get_extra_info("socket")
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1_000 * UNANSWERED))
        self._live.open.add(self)
        OPEN.labels(STREAM).inc()
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, *more_headers]})
            retry = b"retry: %d\n\n" % round(1000 * back_in())
            await send({"type": "http.response.body", "body": retry, "more_body": True})
            self._begin()
            while (await self._exchange.receive())["type"] != "http.disconnect":
                pass
        finally:
            self._lost(LEFT)
            for timer in self._timers.values():
                timer.cancel()

    @property
    def unsent(self) -> int:
        return self._transport.get_write_buffer_size()

    def write(self, frames: Sequence[Frame]) -> None:
        if self._code is not None:
            return
        if self.unsent > self._live.bounds.unsent:
            self.close(Close.TOO_SLOW, "too slow; resume from your cursor")
            return
        self._transport.write(_chunk(Joined.of(frames, "sse")))
        self._written = frames[-1].cursor or self._written

    def close(self, code: int, reason: str) -> None:
        """Say why, and end. The browser comes back by itself, with its cursor; an app that must sign in first closes its `EventSource`."""
        if self._code is not None:
            return
        said = to_json({"type": "close", "data": {"code": code, "reason": reason}})
        retry = b"retry: %d\n" % round(1000 * back_in())
        self._transport.write(_chunk(b"%bevent: close\ndata: %b\n\n" % (retry, said)) + _END)
        self._lost(code)
        self._transport.close()
        self._timers["linger"] = self._loop.call_later(self._live.bounds.linger, self._transport.abort)

    def restart(self) -> None:
        self.close(Close.RESTART, "restarts; come back in a moment")

    def _begin(self) -> None:
        if self._code is not None:
            return
        self._following = self._loop.create_task(self._catch_up())
        self._timers["beat"] = self._loop.call_later(self._live.every, self._beat)
        seconds = self._signed.expires_in
        if seconds is not None:
            self._timers["until"] = self._loop.call_later(seconds, self.close, Close.SIGN_IN_AGAIN, "the token has ended")

    async def _catch_up(self) -> None:
        try:
            await self._live.follow(self.connection, self._cursor)
        except Refusal as refusal:
            self.close(code_of(refusal), refusal.code)
        except Exception:
            log.exception("following_failed")
            self.close(TRY_AGAIN, "something went wrong on our side")

    def _beat(self) -> None:
        """A sign of life for proxies; who was told nothing since the last one gets a fresh cursor with it."""
        self._timers["beat"] = self._loop.call_later(self._live.every, self._beat)
        cursor = self._live.cursor if self.connection in self.connection.viewer.connections else None
        if cursor is not None and self._written == self._told:
            self._told = cursor
            self._live.hub.put(self.connection, Heartbeat(cursor))
        else:
            self._told = self._written
            if not self.unsent:  # one that reads nothing needs no more of it
                self._transport.write(_chunk(_COMMENT))

    def _lost(self, code: int) -> None:
        if self._code is not None:
            return
        self._code = code
        if self._following is not None:
            self._following.cancel()
        for timer in self._timers.values():
            timer.cancel()
        self._live.hub.disconnect(self.connection)
        self._live.open.discard(self)
        OPEN.labels(STREAM).dec()
        count_close(STREAM, code)


def interests_of(said: dict[str, str]) -> Interests | None:
    """What of all the query asks for: names with commas between."""
    named = {name: said[name].split(",") for name in ("threads", "projects", "types") if said.get(name)}
    return filled(Subscribe, named).added_to(None)


def _chunk(piece: bytes) -> bytes:
    """As HTTP/1.1 carries it."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)
