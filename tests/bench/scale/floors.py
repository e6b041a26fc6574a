"""What must be reached at scale, and what it comes from."""

from collections.abc import Iterator

from tests.bench.floors import LOST, REFUSED, Check, Floor
from tests.bench.measures import Measured
from tests.bench.scale.asking import LIST, TAKING_PART
from tests.bench.scale.comparing import Comparison
from tests.bench.scale.idle import CONNECTIONS

AS_SLOW = Floor("large over small", 1.2, "×", False, "what is asked costs what it shows, whatever else is kept")
MESSAGES = Floor("p95", 100, "ms", False, "spec 2: message queries, here with 64 clients and 1,000 connections")
PARTICIPANTS = Floor("p95", 50, "ms", False, "spec 2: participant lookups, here with 64 clients and 1,000 connections")
HELD = Floor("connections held", CONNECTIONS, "", True, "spec 2: 1,000 connections at once; each answers before and after")
GAPLESS = Floor("seq without a message", 0, "", False, "a thread's messages are 1, 2, 3 … also after posts from all sides")


def checks(comparison: Comparison) -> Iterator[Check]:
    for compared in comparison.compared:
        yield Check(AS_SLOW, f"{compared.scenario}, {compared.at_once} at once", compared.ratio)
    for target in comparison.targets:
        if target.scenario != LIST:  # the specs have no target for it
            yield Check(PARTICIPANTS if target.scenario == TAKING_PART else MESSAGES, target.scenario, target.p95_ms)
    yield Check(HELD, "all", comparison.connections)
    yield Check(REFUSED, "all", sum(sum(load.unexpected.values()) for load in _loads(comparison)))
    sides = (comparison.small, comparison.big)
    yield Check(LOST, "all", sum(one.acknowledged - one.found for one in sides))
    yield Check(GAPLESS, "all", sum(one.gaps for one in sides))


def _loads(comparison: Comparison) -> Iterator[Measured]:
    for compared in comparison.compared:
        yield from (compared.small, compared.big)
    yield from comparison.targets
