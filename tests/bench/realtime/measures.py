"""What was measured of live connections."""

from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Fanned:
    """Deliveries a second of bursts, ours and a bare server's, in turn: a pair a round. frame_bytes: of one message."""

    posts: int
    sockets: int
    frame_bytes: float
    ours: list[float]
    bare: list[float]

    @property
    def per_second(self) -> float:
        return median(self.ours)

    @property
    def ratio(self) -> float:
        """The median over the rounds: each has its own minute."""
        return median(ours / bare for ours, bare in zip(self.ours, self.bare, strict=True))


@dataclass(frozen=True)
class IdleMeasured:
    """Sockets that are told nothing. kilobytes: that the gateway's process grew by for each. core: share of one that it used."""

    sockets: int
    kilobytes: float
    seconds: float
    core: float


@dataclass(frozen=True)
class ResumedMeasured:
    """seconds: until the last of those who came back at once had all that it missed. live_ms: what others were told meanwhile took."""

    clients: int
    behind: int
    seconds: float
    live_ms: list[float]


@dataclass
class RealtimeMeasured:
    """answered_ms, told_ms: of single posts, from the request until it was acknowledged, and until the last socket had it."""

    answered_ms: list[float] = field(default_factory=list)
    told_ms: list[float] = field(default_factory=list)
    fanned: Fanned | None = None
    idle: IdleMeasured | None = None
    resumed: list[ResumedMeasured] = field(default_factory=list)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    """By process, for one burst."""
    unexpected: dict[str, int] = field(default_factory=dict)
