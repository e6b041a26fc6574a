"""What a route answers. The bytes of a service's answer pass through as they came."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import ClassVar

from pydantic import BaseModel
from pydantic_core import from_json
from starlette.types import Send

from shared.messaging.frames import Answer

type Headers = Sequence[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")
_ASK_AGAIN = (b"cache-control", b"private, no-cache")
_STYLED_ALONE = (
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
)
_VERSION = re.compile(rb'"version":(\d+)')
REPLAYED = (b"idempotent-replayed", b"true")


class Reply:
    """A status, headers and a body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: Headers) -> None:
        self.status, self.body, self.headers = status, body, headers

    async def send(self, send: Send, more_headers: Headers = ()) -> None:
        headers = [*self.headers, *more_headers]
        if self.status not in (204, 304):
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class Ok[R: BaseModel](Reply):
    """200: what was asked for, or the new state of what was changed."""

    documented: ClassVar[int] = 200

    def __init__(self, answer: Answer) -> None:
        super().__init__(200, answer.body, (JSON, NO_STORE))


class Polled[R: BaseModel](Reply):
    """200, as `Ok`; what is asked for again and again has a tag, and is 304 where that is known (`unless_known`)."""

    documented: ClassVar[int] = 200
    also: ClassVar[int] = 304

    def __init__(self, answer: Answer, *, again: bool) -> None:
        headers = (JSON, _ASK_AGAIN, (b"etag", _tag(answer.body))) if again else (JSON, NO_STORE)
        super().__init__(200, answer.body, headers)


def _tag(body: bytes) -> bytes:
    return b'"%s"' % blake2b(body, digest_size=12).hexdigest().encode()


class Picture[R: BaseModel](Reply):
    """200: an SVG, which runs nothing and loads nothing wherever it is shown; 304 where it is known (`unless_known`)."""

    documented: ClassVar[int] = 200
    also: ClassVar[int] = 304
    media: ClassVar[str] = "image/svg+xml"

    def __init__(self, answer: Answer) -> None:
        svg: str = from_json(answer.body)["svg"]
        body = svg.encode()
        super().__init__(200, body, ((b"content-type", self.media.encode()), _ASK_AGAIN, (b"etag", _tag(body)), *_STYLED_ALONE))


def unless_known(reply: Reply, known: bytes | None) -> Reply:
    """304 for a tagged reply whose tag the caller's If-None-Match names."""
    if known is None:
        return reply
    tags = [value for name, value in reply.headers if name == b"etag"]
    return NotModified(tags[0]) if tags and names(known, tags[0]) else reply


def names(tags: bytes, tag: bytes) -> bool:
    """Whether a condition's list of tags has this one among it."""
    return bool({each.strip().removeprefix(b"W/") for each in tags.split(b",")} & {tag, b"*"})


class NotModified(Reply):
    """304: the caller has it already."""

    def __init__(self, tag: bytes) -> None:
        super().__init__(304, b"", (_ASK_AGAIN, (b"etag", tag)))


class Created[R: BaseModel](Reply):
    """201: what was made, and where it is: `at` is a pattern over the answer's fields."""

    documented: ClassVar[int] = 201

    def __init__(self, answer: Answer, at: str) -> None:
        location = (b"location", at.format_map(from_json(answer.body)).encode())
        replayed = (REPLAYED,) if answer.kind == "replay" else ()
        status = 200 if answer.kind == "found" else 201
        super().__init__(status, answer.body, (JSON, NO_STORE, location, *replayed))


class CreatedOrFound[R: BaseModel](Created[R]):
    """201 for what was made, 200 for what was there already where there is one of its kind."""

    also: ClassVar[int] = 200


class Tagged[R: BaseModel](Reply):
    """200, as `Ok`, with the version of what is shown as its tag: who changes it says that one (If-Match)."""

    documented: ClassVar[int] = 200
    tagged: ClassVar[bool] = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(200, answer.body, (JSON, _ASK_AGAIN, _version_tag(answer)))


class PolledByVersion[R: BaseModel](Tagged[R]):
    """The same of what is asked for again: 304 where its version is known (`unless_known`)."""

    also: ClassVar[int] = 304


class CreatedTagged[R: BaseModel](Created[R]):
    """201, as `Created`, with the version of what was made as its tag."""

    tagged: ClassVar[bool] = True

    def __init__(self, answer: Answer, at: str) -> None:
        super().__init__(answer, at)
        self.headers = (*self.headers, _version_tag(answer))


def _version_tag(answer: Answer) -> tuple[bytes, bytes]:
    """Without reading what is long: no text holds a quote that is not escaped, and what is nested comes after the version."""
    version = _VERSION.search(answer.body)
    assert version is not None, "what is tagged has a version"
    return (b"etag", b'"%b"' % version[1])


class NoContent(Reply):
    """204: done, and there is nothing to say but in headers."""

    documented: ClassVar[int] = 204

    def __init__(self, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(204, b"", (NO_STORE, *headers))


class Plain(Reply):
    """200 with what the gateway itself has to say."""

    documented: ClassVar[int] = 200

    def __init__(self, body: bytes, media_type: bytes = b"application/json", *, status: int = 200, cache: bytes = b"no-store") -> None:
        super().__init__(status, body, ((b"content-type", media_type), (b"cache-control", cache)))
