"""What was measured, and how it is summed up."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.files.measures import FilesMeasured
from tests.bench.graph.measures import GraphMeasured
from tests.bench.load import Load
from tests.bench.realtime.measures import RealtimeMeasured


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the sorted values that `share` of them do not exceed (nearest rank); 0 where there are none."""
    if not values:
        return 0.0
    rank = -int(-share * len(values) // 1)  # rounded up
    return values[max(rank, 1) - 1]


@dataclass(frozen=True)
class Sample:
    """One run of the load generator, with what each process used meanwhile."""

    load: Load
    cpu_seconds: dict[str, float]


@dataclass(frozen=True)
class Measured:
    """One line of the result: some runs of one load. Each figure is the median of the runs'."""

    scenario: str
    in_flight: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_seconds: dict[str, float]
    """By process, the load generator among them; a run's, warm-up included."""
    cpu_us: dict[str, float]
    """The same, for one request."""
    unexpected: dict[str, int]
    """Answers that were not what was asked for, by status and code; all runs together."""
    pgbench_per_second: float | None = None
    memory_mb: float | None = None

    @property
    def of_pgbench(self) -> float | None:
        return self.per_second / self.pgbench_per_second if self.pgbench_per_second else None


def summed_up(scenario: str, samples: Sequence[Sample], pgbench: Sequence[float] = (), memory_mb: float | None = None) -> Measured:
    loads = [sample.load for sample in samples]
    ordered = [sorted(load.latencies) for load in loads]
    unexpected: Counter[str] = sum((Counter(load.unexpected) for load in loads), Counter())
    return Measured(
        scenario=scenario,
        in_flight=loads[0].connections,
        per_second=median(load.per_second for load in loads),
        p50_ms=median(percentile(latencies, 0.50) for latencies in ordered) * 1000,
        p95_ms=median(percentile(latencies, 0.95) for latencies in ordered) * 1000,
        p99_ms=median(percentile(latencies, 0.99) for latencies in ordered) * 1000,
        cpu_seconds={name: median(sample.cpu_seconds[name] for sample in samples) for name in samples[0].cpu_seconds},
        cpu_us={name: median(_each_us(sample, name) for sample in samples) for name in samples[0].cpu_seconds},
        unexpected=dict(unexpected),
        pgbench_per_second=median(pgbench) if pgbench else None,
        memory_mb=memory_mb,
    )


def _each_us(sample: Sample, process: str) -> float:
    return sample.cpu_seconds[process] / max(sample.load.acknowledged, 1) * 1_000_000


@dataclass(frozen=True)
class Polled:
    """Polls whose answer is known, beside the newest page of the same thread."""

    polls: Measured
    pages: Measured

    @property
    def of_pages(self) -> float:
        return self.polls.per_second / self.pages.per_second


@dataclass(frozen=True)
class RelayMeasured:
    """How long events took from their commit to JetStream's acknowledgement, and when the last one was there."""

    scenario: str
    posts: Measured
    """The load meanwhile."""
    events: int
    p50_ms: float
    p99_ms: float
    emptied_seconds: float


@dataclass
class Results:
    """All of one run."""

    load_before: float = field(default_factory=lambda: os.getloadavg()[0])
    """The machine's load average before: figures taken beside other work are no figures."""
    ceiling: Measured | None = None
    posts: list[Measured] = field(default_factory=list)
    pages: list[Measured] = field(default_factory=list)
    polls: list[Polled] = field(default_factory=list)
    relay: list[RelayMeasured] = field(default_factory=list)
    layouts: list[Measured] = field(default_factory=list)
    files: FilesMeasured | None = None
    boards: list[Measured] = field(default_factory=list)
    moves: list[Measured] = field(default_factory=list)
    tasks_lost: int = 0
    graph: GraphMeasured | None = None
    realtime: RealtimeMeasured | None = None
    acknowledged: int = 0
    found: int = 0

    @property
    def lost(self) -> int:
        return self.acknowledged - self.found

    @property
    def loads(self) -> list[Measured]:
        beside = [*(polled.polls for polled in self.polls), *(relay.posts for relay in self.relay)]
        return [*self.posts, *self.pages, *self.layouts, *self.boards, *self.moves, *beside]
