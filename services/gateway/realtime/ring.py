"""The newest events, for those who come back after a short while."""

from bisect import bisect_right
from itertools import accumulate

from services.gateway.realtime.happenings import Happening

MOST_BYTES = 64 * 1024 * 1024
PART_LET_GO = 8


class Ring:
    """Holds what clients are told of all events after `base` and up to `head`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._happenings: list[Happening] = []
        self._seqs: list[int] = []
        self.bytes = self.base = self.head = 0

    def begin(self, at: int) -> None:
        """Forget everything, and go on from there."""
        self._happenings, self._seqs = [], []
        self.bytes, self.base, self.head = 0, at, at

    def add(self, happenings: list[Happening], head: int) -> None:
        """What was told of the events up to `head`."""
        self._happenings += happenings
        self._seqs += [happening.seq for happening in happenings]
        self.bytes += sum(happening.size for happening in happenings)
        self.head = head
        while self.bytes > self._most_bytes:
            self._let_go(max(1, len(self._seqs) // PART_LET_GO))

    def after(self, seq: int, most: int, most_bytes: int) -> list[Happening] | None:
        """Those after a sequence, oldest first: `most` at most, and `most_bytes` unless it is one. None where the ring begins later."""
        if seq < self.base:
            return None
        place = bisect_right(self._seqs, seq)
        found = self._happenings[place : place + most]
        sizes = accumulate(len(happening.data) for happening in found)
        return found[: max(1, sum(size <= most_bytes for size in sizes))]

    @property
    def last(self) -> int | None:
        """The sequence of the newest one."""
        return self._seqs[-1] if self._seqs else None

    def _let_go(self, count: int) -> None:
        self.bytes -= sum(happening.size for happening in self._happenings[:count])
        self.base = self._seqs[count - 1]
        del self._happenings[:count], self._seqs[:count]
