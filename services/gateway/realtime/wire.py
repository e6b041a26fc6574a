"""Frames as the websockets library reads them, in our bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CloseCode
from websockets.protocol import Protocol
from websockets.server import ServerProtocol
from websockets.typing import ExtensionParameter

from services.gateway.realtime.connections import Close
from services.gateway.realtime.frames import WINDOW_BITS


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one socket may cost. Times are in seconds.

    frame: bytes of a message, once it is inflated. frames, bytes: of each a second; several seconds' worth may come at once.
    unsent: bytes that wait for a client that does not read. every: between pings. answer: until a ping's pong. linger: from a close frame
    until the connection is cut.
    """

    frame: int
    frames: int
    bytes: int
    unsent: int
    compressed: bool = False
    every: float = 30.0
    answer: float = 20.0
    linger: float = 10.0


class Receiver(Interface):
    """Who has taken a socket."""

    def received(self, text: bytes) -> None:
        """A message, whole and in UTF-8."""

    def beat(self) -> None:
        """Every now and then."""

    def restart(self) -> None:
        """The server stops: it closes the socket."""

    def lost(self) -> None:
        """Nothing more comes or goes. Once."""


class Wire(ServerProtocol):
    """Closes with our own code where a message is too large."""

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        super().fail(Close.FRAME_TOO_LARGE if code == CloseCode.MESSAGE_TOO_BIG else code, reason)


class Deflate(ServerPerMessageDeflateFactory):
    """Compresses each frame by itself, and so once for all sockets; who wants a smaller window than theirs gets them as they are."""

    def __init__(self) -> None:
        super().__init__(True, True, WINDOW_BITS, WINDOW_BITS)

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        told, extension = super().process_request_params(params, accepted_extensions)
        if extension.local_max_window_bits < WINDOW_BITS:
            raise NegotiationError("the window is too small")
        return told, extension


def forget_handshake(conn: ServerProtocol) -> None:
    """Frames are read by a parser of their own: the first keeps the request with all its headers, 5 KB, as long as it runs."""
    conn.parser = Protocol.parse(conn)
    next(conn.parser)
