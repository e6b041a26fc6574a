"""Where in the stream a client is: a sequence, and which stream it is of."""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

_CURSOR = re.compile(r"([0-9a-f]{8})([0-9a-f]{1,16})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """stream: of its identity, so that a cursor from before a lost stream is known to be one."""

    stream: str
    seq: int

    def __str__(self) -> str:
        return f"{self.stream}{self.seq:x}"

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """None for what is no cursor of ours."""
        found = _CURSOR.fullmatch(text)
        return cls(found[1], int(found[2], 16)) if found else None


def stream_identity(created: datetime) -> str:
    """Of a stream that was made at that moment: one that is made anew is another."""
    return blake2b(created.isoformat().encode(), digest_size=4).hexdigest()
