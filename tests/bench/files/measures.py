"""What was measured of files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Compared:
    """Bytes or files a second, ours and without Atrium, in turn: a pair a round."""

    scenario: str
    at_once: int
    unit: str
    ours: Sequence[float]
    bare: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median over the rounds: each has its own minute."""
        return median(ours / bare for ours, bare in zip(self.ours, self.bare, strict=True))


@dataclass(frozen=True)
class Grown:
    """The most memory that a process had while files passed, beyond what it had before."""

    process: str
    before_mb: float
    most_mb: float

    @property
    def megabytes(self) -> float:
        return self.most_mb - self.before_mb


@dataclass
class FilesMeasured:
    """`clean_ms`: from the answer to an upload to the verdict, one file after the other."""

    compared: list[Compared] = field(default_factory=list)
    grown: list[Grown] = field(default_factory=list)
    clean_ms: list[float] = field(default_factory=list)
    unexpected: dict[str, int] = field(default_factory=dict)
