"""Cursors: opaque to clients, and bound to the list that they page over."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Any

from pydantic_core import from_json, to_json

from shared.contracts.refusals import CursorIsNotValid

_SUM = 6  # bytes; they tell apart what is ours, and for this list, from all else


def encode(kind: str, *values: object) -> str:
    """A place in the list `kind`, which names the list, its owner and its filters."""
    place = to_json(values)
    return _text(_sum(kind, place) + place)


def decode(kind: str, cursor: str) -> list[Any]:
    """The values that `encode` was given, as JSON has them. Raises `CursorIsNotValid`."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = raw[_SUM:]
        if raw[:_SUM] != _sum(kind, place) or cursor != _text(raw):  # the decoder skips what is no base64
            raise CursorIsNotValid
        values: list[Any] = from_json(place)
    except ValueError:
        raise CursorIsNotValid from None
    return values


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _sum(kind: str, place: bytes) -> bytes:
    return blake2b(kind.encode() + b"\0" + place, digest_size=_SUM).digest()
