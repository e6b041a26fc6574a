"""What was measured of the graph."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Walked:
    """What is related to things of a degree of about 30, asked one after the other. things: found, of the median answer."""

    depth: int
    engine: str
    p50_ms: float
    p95_ms: float
    things: int


@dataclass
class GraphMeasured:
    """`bare_per_second`: by a script that does nothing but the same `UNWIND`. `backlog_per_second`: events that nobody had learned of."""

    artifacts: int
    links: int
    bare_per_second: float = 0.0
    rebuilt_per_second: float = 0.0
    lag_p50_ms: float = 0.0
    lag_p99_ms: float = 0.0
    walked: list[Walked] = field(default_factory=list)
    backlog: int = 0
    backlog_per_second: float = 0.0
    reconciled_seconds: float = 0.0
    differences: int = 0
