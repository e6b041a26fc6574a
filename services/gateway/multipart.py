"""multipart/form-data (RFC 7578), part by part as it arrives: nothing is spooled."""

import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.gateway.arriving import Body
from services.gateway.errors import FormIsExpected, FormIsMalformed
from services.gateway.haystack import Haystack

LONGEST_HEADER = 16 * 1024
MOST_HEADERS = 8
LARGE = 16 * 1024  # from which on a piece is worth a call of libc
MOST_PARTS = 100  # that are looked at before anybody says how many are too many: reading them takes a thousand times what bytes take
# What RFC 7578 forbids and some clients send all the same, for names beyond ASCII.
_EXTENDED_NAME = re.compile(rb""";\s*filename\*\s*=\s*"?([\w-]+)'[^']*'([^\s;"]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """filename: None where the part is no file."""

    name: str
    filename: str | None


class Form:
    """Reads a form: `async for part in form.parts()`, and the bytes of each by `form.content()` before the next."""

    def __init__(self, headers: Mapping[bytes, bytes], body: Body) -> None:
        self._body = body
        self._parser = MultipartParser(
            _boundary(headers),
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header_ended,
                "on_headers_finished": lambda: self._seen.append(_part(self._headers)),
                "on_part_data": lambda data, start, end: self._seen.append(bytes(data[start:end])),
                "on_part_end": lambda: self._seen.append(None),
                "on_end": self._end,
            },
            max_header_count=MOST_HEADERS,
            max_header_size=LONGEST_HEADER,
        )
        self._field, self._value = bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._seen: deque[Part | bytes | None] = deque()  # a part's beginning, its bytes, and its end
        self._begun = 0
        self._is_whole = False

    async def parts(self) -> AsyncIterator[Part]:
        """Raises `FormIsMalformed`, and what the body raises."""
        while await self._arrives():
            seen = self._seen.popleft()
            if isinstance(seen, Part):
                yield seen

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes of the part that has begun."""
        while await self._arrives():
            seen = self._seen.popleft()
            if not isinstance(seen, bytes):
                break
            yield seen

    async def _arrives(self) -> bool:
        """Whether there is something more to see."""
        while not self._seen:
            piece = await self._body.next()
            if piece is None:
                if not self._is_whole:
                    raise FormIsMalformed
                return False
            try:
                self._parser.write(piece if len(piece) < LARGE else Haystack(piece))  # type: ignore[arg-type]
            except FormParserError:
                raise FormIsMalformed from None
        return True

    def _begin(self) -> None:
        self._headers = {}
        self._begun += 1
        if self._begun > MOST_PARTS:
            raise FormIsMalformed

    def _header_ended(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _end(self) -> None:
        self._is_whole = True


def _boundary(headers: Mapping[bytes, bytes]) -> bytes:
    media_type, options = parse_options_header(headers.get(b"content-type"))
    boundary = options.get(b"boundary", b"")
    if media_type != b"multipart/form-data" or not 1 <= len(boundary) <= 70:  # RFC 2046
        raise FormIsExpected
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise FormIsExpected
    return boundary


def _part(headers: Mapping[bytes, bytes]) -> Part:
    disposition = headers.get(b"content-disposition", b"")
    kind, options = parse_options_header(disposition)
    name = options.get(b"name")
    if kind != b"form-data" or name is None:
        raise FormIsMalformed
    return Part(_text(name), _filename(disposition, options))


def _filename(disposition: bytes, options: Mapping[bytes, bytes]) -> str | None:
    """As browsers write it: a quote is `%22`. A browser's field without a file has an empty name, and is no file."""
    plain = options.get(b"filename")
    extended = _EXTENDED_NAME.search(disposition)
    if plain:
        return _text(plain.replace(b"%22", b'"'))
    return _text(unquote_to_bytes(extended[2])) if extended else None


def _text(raw: bytes) -> str:
    """UTF-8, as it ought to be, or else the encoding in which every byte is a character."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
