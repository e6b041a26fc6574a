"""What goes down to one client alone."""

from typing import Any

from pydantic_core import to_json

from services.gateway.realtime.frames import Frame
from shared.contracts.refusals import FieldError, Refusal, RequestIsInvalid

type FrameId = str | int | None


class Answer(Frame):
    """To a client's own frame: ready JSON, which is no event."""

    __slots__ = ()

    def __init__(self, type: str, id: FrameId, rest: bytes = b"") -> None:
        named = b"" if id is None else b',"id":%b' % to_json(id)
        super().__init__(type, None, b"null")
        self._become(b'{"type":"%b"%b%b}' % (type.encode(), named, rest))


def reply(id: FrameId, body: bytes, *, replayed: bool = False) -> Answer:
    return Answer("reply", id, b',"data":%b%b' % (body or b"null", b',"replayed":true' if replayed else b""))


def refused(id: FrameId, refusal: Refusal) -> Answer:
    shown: dict[str, Any] = {"status": refusal.status, "code": refusal.code, "detail": refusal.detail}
    if refusal.errors:
        shown["errors"] = [error.model_dump() for error in refusal.errors]
    if refusal.retry_after is not None:
        shown["retryAfter"] = refusal.retry_after
    return Answer("refused", id, b"," + to_json(shown)[1:-1])


def check_id(id: object) -> None:
    if id is not None and (not isinstance(id, str | int) or len(str(id)) > 64):
        raise RequestIsInvalid(errors=[FieldError(field="id", code="invalid", detail="It is a number, or a text of up to 64 characters.")])


class Heartbeat(Frame):
    """A fresh cursor for who was told nothing. In an event stream it only moves the id, and wakes nobody."""

    __slots__ = ()

    def __init__(self, cursor: str) -> None:
        super().__init__("heartbeat", cursor, b"{}")
        self._sse = b":\nid: %b\n\n" % cursor.encode()
