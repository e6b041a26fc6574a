"""How much of everything a database has, and where each message of it goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from shared.application import CannotStart

THREADS = 10_000
MONTHS = 24
PARTICIPANTS = 1_000
"""In the wide thread."""

LONG, WIDE = 0, 1
"""Numbers of the thread that has every tenth message, and of the one that has a thousand participants."""

SHARE_OF_LONG = 10
_BYTES_A_MESSAGE = 1_300  # with its indexes, and what sorting and the log take meanwhile
_BYTES_BESIDE = 3 << 30
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Size:
    """Messages of one database. All else is the same whatever their number: threads, months, participants."""

    messages: int

    @property
    def name(self) -> str:
        return f"{self.messages:,} messages"

    @property
    def long(self) -> int:
        """Messages of the long thread."""
        return -(-self.messages // SHARE_OF_LONG)

    @property
    def bytes_needed(self) -> int:
        return self.messages * _BYTES_A_MESSAGE


@dataclass(frozen=True)
class Month:
    """A partition, and the numbers of the messages that are in it: `first` to `last`, both of them."""

    begin: date
    first: int
    last: int


@dataclass(frozen=True)
class Timeline:
    """Messages evenly over the months, up to a moment: number n was posted at begin + n * step, cut to milliseconds."""

    begin: datetime
    step: timedelta
    messages: int

    @classmethod
    def until(cls, end: datetime, messages: int) -> "Timeline":
        """`end` is in the last of the months."""
        count = end.year * 12 + end.month - MONTHS
        begin = _first_of(count)
        return cls(begin, (end - begin) // messages, messages)

    def months(self) -> Iterator[Month]:
        count = self.begin.year * 12 + self.begin.month - 1
        for month in range(count, count + MONTHS):
            first, after = self._number_at(_first_of(month)), self._number_at(_first_of(month + 1))
            yield Month(_first_of(month).date(), first, min(after, self.messages) - 1)

    def _number_at(self, moment: datetime) -> int:
        """The first message at or after a moment."""
        return -(-((moment - self.begin) // _MICROSECOND) // (self.step // _MICROSECOND))


def place(number: int) -> tuple[int, int]:
    """The thread of a message, and its seq there: every tenth is the long thread's, the others take turns. `filling` says it in SQL."""
    if number % SHARE_OF_LONG == 0:
        return LONG, number // SHARE_OF_LONG + 1
    turn = number - number // SHARE_OF_LONG - 1
    return 1 + turn % (THREADS - 1), turn // (THREADS - 1) + 1


def refuse_without_room(sizes: list[Size], free: int) -> None:
    """Raises `CannotStart` where so many bytes are too few."""
    needed = sum(size.bytes_needed for size in sizes) + _BYTES_BESIDE
    if free < needed:
        raise CannotStart(f"{needed / 2**30:.0f} GB of disk are needed and {free / 2**30:.0f} are free: take fewer --messages.")


def _first_of(count: int) -> datetime:
    """The beginning of a month, counted from the year 0."""
    return datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
