"""Cursors: opaque to clients, and bound to the list that they page over."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, TypeAdapter
from pydantic_core import to_json

from shared.contracts.model import Text
from shared.contracts.refusals import CursorIsNotValid


def _bounded(moment: datetime) -> datetime:
    if not _BEGINNING <= moment < _END:
        raise ValueError("is beyond what PostgreSQL's driver can send in any time zone")
    return moment


_BEGINNING, _END = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

type Moment = Annotated[AwareDatetime, AfterValidator(_bounded)]

ID = TypeAdapter(tuple[UUID])
MOMENT = TypeAdapter(tuple[Moment])
MOMENT_AND_ID = TypeAdapter(tuple[Moment, UUID])
TEXT = TypeAdapter(tuple[Text])
TEXT_AND_ID = TypeAdapter(tuple[Text, UUID])

_SUM = 6  # bytes; they tell apart what is ours, and for this list, from all else


def encode(kind: str, *values: object) -> str:
    """A place in the list `kind`, which names the list, its owner and its filters."""
    place = to_json(values)
    return _text(_sum(kind, place) + place)


def decode[T](kind: str, cursor: str, shape: TypeAdapter[T]) -> T:
    """The values that `encode` was given. Raises `CursorIsNotValid`, also for what somebody made who knows how: the sum is no secret."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = raw[_SUM:]
        if raw[:_SUM] != _sum(kind, place) or cursor != _text(raw):  # the decoder skips what is no base64
            raise CursorIsNotValid
        return shape.validate_json(place, strict=True)
    except ValueError:
        raise CursorIsNotValid from None


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _sum(kind: str, place: bytes) -> bytes:
    return blake2b(kind.encode() + b"\0" + place, digest_size=_SUM).digest()
