"""UUIDv7 (RFC 9562): ids that sort by the time they were made."""

import os
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_OF_TIME = 253_402_300_800_000  # milliseconds; the year 10,000, which neither Python nor anybody's message has

FIRST_ID, LAST_ID = UUID(int=0), UUID(int=(1 << 128) - 1)
"""No id sorts before the one, or after the other."""


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
    """The millisecond a UUIDv7 was made in; None for any other UUID, and for one that nobody can have made."""
    milliseconds = identifier.int >> 80
    if identifier.version != 7 or milliseconds >= _END_OF_TIME:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
