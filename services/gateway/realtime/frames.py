"""What goes down to clients, encoded once for all of them."""

import zlib
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic_core import to_json

_TEXT, _COMPRESSED = 0x81, 0xC1
WINDOW_BITS, _MEMORY = 12, 5  # of zlib, for each compressed frame by itself
_WORTH_COMPRESSING = 256  # bytes
_SHORT, _TWO_BYTES = 126, 65_536


class Frame:
    """One frame of JSON: `{type, cursor, data}`; `cursor` where it is an event's. Ready bytes for each way that it goes out."""

    __slots__ = ("_compressed", "_sse", "cursor", "text", "type", "ws")

    def __init__(self, type: str, cursor: str | None, data: bytes) -> None:
        at = b"" if cursor is None else b'"cursor":"%b",' % cursor.encode()
        self.type, self.cursor = type, cursor
        self._become(b'{"type":"%b",%b"data":%b}' % (type.encode(), at, data))

    def _become(self, text: bytes) -> None:
        self.text = text
        self.ws = header(_TEXT, len(text)) + text
        self._compressed: bytes | None = None
        self._sse: bytes | None = None

    @property
    def compressed(self) -> bytes:
        """For sockets that agreed on permessage-deflate without a context (RFC 7692); a short one goes as it is."""
        if self._compressed is None:
            self._compressed = self.ws if len(self.text) < _WORTH_COMPRESSING else _deflated(self.text)
        return self._compressed

    @property
    def sse(self) -> bytes:
        """As an event of an event stream (WHATWG HTML, 9.2)."""
        if self._sse is None:
            identity = b"" if self.cursor is None else b"id: %b\n" % self.cursor.encode()
            self._sse = b"%bevent: %b\ndata: %b\n\n" % (identity, self.type.encode(), self.text)
        return self._sse


type Form = Literal["ws", "compressed", "sse"]


class Joined:
    """Several frames as one piece of bytes. Many connections are written the same in one turn of the loop: it is made once for all of
    them, and those that cannot take it at once hold the same piece.
    """

    _last: ClassVar[dict[Form, tuple[list[Frame], bytes]]] = {}

    @classmethod
    def of(cls, frames: Sequence[Frame], form: Form) -> bytes:
        if len(frames) == 1:
            ready: bytes = getattr(frames[0], form)
            return ready
        last = cls._last.get(form)
        if last is None or last[0] != frames:
            last = list(frames), b"".join([getattr(each, form) for each in frames])
            cls._last[form] = last
        return last[1]


def frame(type: str, data: Any, cursor: str | None = None) -> Frame:
    """One that is no event of the stream."""
    return Frame(type, cursor, to_json(data))


def _deflated(text: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-WINDOW_BITS, memLevel=_MEMORY)
    data = (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return header(_COMPRESSED, len(data)) + data


def header(opcode: int, length: int) -> bytes:
    """Of a frame from a server, which masks nothing (RFC 6455, 5.2)."""
    if length < _SHORT:
        return bytes((opcode, length))
    if length < _TWO_BYTES:
        return bytes((opcode, 126)) + length.to_bytes(2)
    return bytes((opcode, 127)) + length.to_bytes(8)
