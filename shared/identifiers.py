"""UUIDv7 (RFC 9562): ids that sort by the time they were made."""

import os
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id() -> UUID:
    """A UUIDv7 of this moment."""
    return uuid_utils.compat.uuid7()


def id_at(at: datetime) -> UUID:
    """A UUIDv7 whose 48 bits of time are `at` (aware, whole milliseconds)."""
    since = at - _EPOCH
    milliseconds = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    noise = int.from_bytes(os.urandom(10))
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (noise >> 68) << 64 | 0x2 << 62 | noise & (1 << 62) - 1)


def time_of(identifier: UUID) -> datetime | None:
    """The millisecond a UUIDv7 was made in; None for any other UUID."""
    if identifier.version != 7:
        return None
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
