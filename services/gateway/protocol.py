"""uvicorn's HTTP protocol with the bounds that it lacks: how large a request's head may be, and how long it may take to come."""

import asyncio
import binascii
from base64 import b64decode
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.gateway.errors import HeadersAreTooLarge, UpgradeIsExpected, problem, problem_headers
from services.gateway.large_reads import LargeReads
from shared.contracts.refusals import Refusal, RequestIsMalformed
from shared.identifiers import new_id

MOST_BYTES = 32 * 1024
SECONDS = 10.0
LARGE_BODY = 256 * 1024  # bytes from which on a body is read by much at a time


class BoundedProtocol(HttpToolsProtocol):
    """Closes on a head that is too large or too slow; what cannot be read is told so in problem details."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_bytes, self._last = 0, b""
        self._reading_head = self._reading_body = self._reads_much = False
        self._too_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._reading_head and not self._reading_body:
            self._expect_head()
        if self._reading_head and self._head_bytes + len(data) > MOST_BYTES and self._goes_on(data):
            self._refuse(HeadersAreTooLarge())
            return
        super().data_received(data)
        if self._reading_head:
            self._head_bytes += len(data)
            self._last = (self._last + data)[-3:]

    def on_message_begin(self) -> None:
        """What is followed for hours is written straight to the transport (`realtime/sse.py`)."""
        super().on_message_begin()
        self.scope["atrium.transport"] = self.transport  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        self._forget_head()
        self._reading_body = True
        super().on_headers_complete()
        if int(dict(self.headers).get(b"content-length", b"0")) >= LARGE_BODY:
            self._reads_much = True
            self.flow.pause_reading()  # until somebody asks for it: what waits for its turn is not held
            self.transport.set_protocol(LargeReads(self))

    def on_body(self, body: bytes) -> None:
        """What nothing waits before goes on as it is: uvicorn copies it twice. What comes in crumbs is gathered in place."""
        if not self.cycle.body:
            self.cycle.body = b""  # type: ignore[assignment]
        elif isinstance(self.cycle.body, bytes):
            self.cycle.body = bytearray(self.cycle.body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading_body = False
        super().on_message_complete()
        if self._reads_much:
            self._reads_much = False
            self.transport.set_protocol(self)

    def handle_websocket_upgrade(self) -> None:
        """What is no handshake (RFC 6455, 4.2.1) is refused in our words. The parser is let go: it would keep this object for ever."""
        headers = dict(self.headers)
        if headers.get(b"sec-websocket-version") != b"13":
            self._refuse(UpgradeIsExpected())
        elif self.scope["method"] != "GET" or not _is_key(headers.get(b"sec-websocket-key", b"")):
            self._refuse(RequestIsMalformed())
        else:
            super().handle_websocket_upgrade()
            self.parser = None  # type: ignore[assignment]

    def send_400_response(self, msg: str) -> None:
        self._refuse(RequestIsMalformed())

    def _expect_head(self) -> None:
        """A connection that waits for its next request has the keep-alive timeout; this one is for what has begun."""
        self._reading_head, self._head_bytes, self._last = True, 0, b""
        if self._too_late is None:
            self._too_late = self.loop.call_later(SECONDS, self.transport.close)

    def _goes_on(self, data: bytes) -> bool:
        """Whether the head is longer than allowed; what comes behind its end is a body."""
        end = (self._last + data).find(b"\r\n\r\n")
        return end < 0 or self._head_bytes + end > MOST_BYTES

    def _forget_head(self) -> None:
        self._reading_head = False
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None

    def _refuse(self, refusal: Refusal) -> None:
        self._forget_head()
        if self.transport.is_closing():
            return
        request_id = str(new_id())
        body = problem(refusal, request_id)
        headers = {
            **dict(problem_headers(refusal)),
            b"connection": b"close",
            b"content-length": str(len(body)).encode(),
            b"x-request-id": request_id.encode(),
        }
        lines = [b"%b: %b\r\n" % (name, value) for name, value in (*self.server_state.default_headers, *headers.items())]
        self.transport.write(b"".join([STATUS_LINE[refusal.status], *lines, b"\r\n", body]))
        self.transport.close()


def _is_key(key: bytes) -> bool:
    try:
        return len(b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False
