"""uvicorn's WebSocket protocol with our bounds, whose app writes ready frames straight to the transport.

A socket that was taken has no task, no queue and no ASGI scope: what comes is handed to a function, what goes is bytes that are ready.
"""

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Opcode
from websockets.frames import Frame as WireFrame
from websockets.protocol import State

from services.gateway.realtime.allowance import Allowance
from services.gateway.realtime.connections import Close
from services.gateway.realtime.frames import Frame, Joined
from services.gateway.realtime.wire import Bounds, Deflate, Receiver, Wire, forget_handshake

NO_ANSWER = CloseCode.INTERNAL_ERROR
_LAST_BREATH = 1.0  # seconds for a close frame to one who answers nothing any more
_LONGEST_REASON = 123  # bytes that a close frame has for it

_log = logging.getLogger("services.gateway.sockets")
_log.setLevel(logging.WARNING)  # the libraries say a line for each connection that comes and goes


class SocketProtocol(WebSocketsSansIOProtocol):
    """One socket. It is a `Carrier`, once it was taken (`take`); the app finds it in its scope's extensions, as `atrium.socket`."""

    bounds: ClassVar[Bounds]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = _log
        extensions = [Deflate()] if self.bounds.compressed else None
        self.conn = Wire(extensions=extensions, max_size=self.bounds.frame, logger=_log)
        self.receiver: Receiver | None = None
        self.closed_with: int | None = None
        """The code of whoever closed it first."""
        self.cursor: str | None = None
        """Of the last event that was written."""
        self._message = bytearray()
        self._binary = self._heard = self._paused = self._deaf = False

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.handshake_initiated and not self.close_sent:
            self.scope["extensions"]["atrium.socket"] = self  # type: ignore[assignment]

    async def run_asgi(self) -> None:
        """An app that returns has taken the socket, or answered something else."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except Exception:
            _log.exception("a handshake failed")
        if self.receiver is None and self.close_timer is None:
            self.transport.close()

    def take(self, receiver: Receiver) -> None:
        """From now on it is the receiver's. What the handshake needed is let go: it is most of what an idle socket would keep."""
        if self.disconnected or self.transport.is_closing() or not self.handshake_complete:
            receiver.lost()
            return
        self.receiver = receiver
        self._allowance = Allowance(self.loop.time(), self.bounds.frames, self.bounds.bytes)
        self.transport.set_write_buffer_limits(high=self.bounds.unsent)
        self.ping_timer = self.loop.call_later(self.bounds.every, self._beat)
        forget_handshake(self.conn)
        for name in ("queue", "writable", "scope", "request", "response", "frames", "app_state", "config"):
            self.__dict__.pop(name, None)

    @property
    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def write(self, frames: Sequence[Frame]) -> None:
        """A client is slow that has not taken what was written before; one large write alone makes nobody slow."""
        if self.close_sent:
            return
        if self.transport.get_write_buffer_size() > self.bounds.unsent:
            self.close(Close.TOO_SLOW, "too slow; resume from your cursor")
            return
        self.transport.write(Joined.of(frames, "compressed" if self.conn.extensions else "ws"))
        self.cursor = frames[-1].cursor or self.cursor

    def close(self, code: int, reason: str) -> None:
        """Say so, and wait a while for the other side to do so too."""
        if self.close_sent or self.receiver is None:
            return
        if self.conn.state is State.OPEN:
            self.conn.send_close(code, reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))
        self._ends(code, self.bounds.linger)
        self.resume()

    def pause(self) -> None:
        """Take nothing more from the network."""
        if not self._paused and not self.transport.is_closing():
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self.transport.is_closing():
            self._paused, self._heard = False, True  # what it said meanwhile is not read yet
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self.receiver is None:
            self._shake_hands(data)
            return
        self._heard = True
        if self._deaf:
            return
        self.conn.receive_data(data)
        events = self.conn.events_received()
        if not self.close_sent and not self._allowance.covers(self.loop.time(), len(events), len(data)):
            self.close(Close.FLOOD, "too much at once")
            self._turn_away()
            return
        for event in events:
            assert isinstance(event, WireFrame)
            self._take_frame(event)
        if self.conn.parser_exc is not None and not self._deaf:
            self._fail()
        elif output := b"".join(self.conn.data_to_send()):
            self.transport.write(output)
            if self.unsent > self.bounds.unsent:  # it asks for pongs, and reads none
                self.close(Close.TOO_SLOW, "too slow")

    def connection_lost(self, exc: Exception | None) -> None:
        if self.receiver is None:
            super().connection_lost(exc)
            return
        self.connections.discard(self)
        self.handshake_complete = self.disconnected = self.close_sent = True
        self.closed_with = self.closed_with or CloseCode.ABNORMAL_CLOSURE
        self._stop_timers()
        self.receiver.lost()

    def pause_writing(self) -> None:
        if self.receiver is None:
            super().pause_writing()

    def resume_writing(self) -> None:
        if self.receiver is None:
            super().resume_writing()

    def shutdown(self) -> None:
        if self.receiver is None:
            super().shutdown()
        else:
            self.receiver.restart()

    def start_keepalive(self) -> None:
        """It begins once the socket is taken."""

    def _shake_hands(self, data: bytes) -> None:
        if self.handshake_initiated:  # it speaks before it is answered (RFC 6455, 4.1)
            self.transport.close()
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def _take_frame(self, event: WireFrame) -> None:
        if self.close_sent and event.opcode is not Opcode.CLOSE:
            return
        match event.opcode:
            case Opcode.TEXT | Opcode.BINARY | Opcode.CONT:
                self._binary |= event.opcode is Opcode.BINARY
                self._message += event.data
                if event.fin:
                    self._take_message()
            case Opcode.CLOSE:
                self._closed_by_peer()

    def _take_message(self) -> None:
        message, self._message = bytes(self._message), bytearray()
        if self._binary:
            self.close(CloseCode.UNSUPPORTED_DATA, "frames are text")
            return
        try:
            message.decode()
        except UnicodeDecodeError:
            self.close(CloseCode.INVALID_DATA, "frames are UTF-8")
            return
        assert self.receiver is not None
        self.receiver.received(message)

    def _closed_by_peer(self) -> None:
        """Their close frame: the answer to ours, or one that was answered already."""
        if not self.close_sent:
            assert self.conn.close_rcvd is not None
            self._ends(self.conn.close_rcvd.code, self.bounds.linger)
        self.transport.close()

    def _fail(self) -> None:
        """What came is no frame, or too large: the close frame is ready."""
        if not self.close_sent:
            assert self.conn.close_sent is not None
            self._ends(self.conn.close_sent.code, self.bounds.linger)
        self._turn_away()

    def _turn_away(self) -> None:
        """Whatever still comes is not looked at. It is taken, and our side closed, so that the close frame arrives: what nobody reads would
        reset the connection.
        """
        self._deaf = True
        self.resume()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _ends(self, code: int, linger: float) -> None:
        """Send what is left to say, and let nothing more in or out."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent, self.closed_with = True, code
        self._stop_timers()
        self.close_timer = self.loop.call_later(linger, self.transport.abort)
        assert self.receiver is not None
        self.receiver.lost()

    def _beat(self) -> None:
        assert self.receiver is not None
        self.receiver.beat()
        if self.close_sent or self.transport.is_closing():
            return
        self._heard = False
        self.conn.send_ping(b"")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.ping_timer = self.loop.call_later(self.bounds.answer, self._expect_answer)

    def _expect_answer(self) -> None:
        """Whatever came since the ping says that somebody is there."""
        if self._heard or self._paused:
            self.ping_timer = self.loop.call_later(self.bounds.every - self.bounds.answer, self._beat)
        elif self.conn.state is State.OPEN:
            self.conn.send_close(NO_ANSWER, "no answer to a ping")
            self._ends(NO_ANSWER, _LAST_BREATH)

    def _stop_timers(self) -> None:
        for timer in (self.ping_timer, self.close_timer):
            if timer is not None:
                timer.cancel()
        self.ping_timer = self.close_timer = None


def socket_protocol(chosen: Bounds) -> type[SocketProtocol]:
    """For uvicorn, which makes its protocols itself."""

    class Bounded(SocketProtocol):
        bounds = chosen

    return Bounded
