"""Both databases asked the same in turn, and the large one under many clients."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.floors import CLIENTS
from tests.bench.history import Connection
from tests.bench.house import House
from tests.bench.load import Generator, Load, Plan
from tests.bench.measures import Measured, Sample, percentile, summed_up
from tests.bench.scale.asking import Asked
from tests.bench.scale.idle import Idle
from tests.bench.scale.sides import Side
from tests.processes import HOST

AT_ONCE = (1, CLIENTS)
_WARMUP = 0.5
_BEFORE_POSTS_ARE_READ = "SELECT clock_timestamp()"

_FOUND = "SELECT count(*) FROM messages.messages WHERE thread_id = ANY($1) AND created_at >= $2"

# Of a thread, the places that no message has: seq is 1, 2, 3 ….
_GAPS = """
    SELECT coalesce(sum(abs(last_seq - (SELECT count(*) FROM messages.messages m WHERE m.thread_id = h.thread_id))), 0)::int
    FROM messages.heads h WHERE thread_id = ANY($1)"""


@dataclass
class Standing:
    """A side that runs, with what it is asked."""

    side: Side
    house: House
    database: Connection
    asked: Sequence[Asked]
    acknowledged: int = 0
    found: int = 0
    gaps: int = 0


@dataclass(frozen=True)
class Compared:
    """The same asked of both. `ratio` is the large one's median time over the small one's: of each round, and of these the median."""

    scenario: str
    at_once: int
    small: Measured
    big: Measured
    ratio: float


def ratio(small: Sequence[Load], big: Sequence[Load]) -> float:
    """How many times as slow the large one is. Rounds are compared each with its neighbour: both had the same minute."""
    return median(_typical(one) / _typical(other) for one, other in zip(big, small, strict=True))


def _typical(load: Load) -> float:
    return percentile(sorted(load.latencies), 0.5) or float("nan")


@dataclass(frozen=True)
class Options:
    """How long each run is, and how many there are of each."""

    seconds: float
    rounds: int


@dataclass
class Comparison:
    options: Options
    generator: Generator
    small: Standing
    big: Standing
    say: Callable[[str], None]
    compared: list[Compared] = field(default_factory=list)
    targets: list[Measured] = field(default_factory=list)
    connections: int = 0
    _runs: int = 0

    async def run(self) -> None:
        """Reads first: posts change what is read."""
        began = {id(one): await one.database.fetchval(_BEFORE_POSTS_ARE_READ) for one in (self.small, self.big)}
        for place, asked in enumerate(self.small.asked):
            for at_once in AT_ONCE:
                await self._compare(place, asked.name, at_once)
        await self._hold_targets()
        for one in (self.small, self.big):
            one.found = await one.database.fetchval(_FOUND, one.side.people.threads, began[id(one)])
            one.gaps = await one.database.fetchval(_GAPS, one.side.people.threads)

    async def _compare(self, place: int, name: str, at_once: int) -> None:
        self.say(f"{name}, {at_once} at once")
        samples: dict[int, list[Sample]] = {id(self.small): [], id(self.big): []}
        for number in range(self.options.rounds):
            for one in (self.small, self.big) if number % 2 == 0 else (self.big, self.small):
                samples[id(one)].append(await self._sample(one, one.asked[place], at_once))
        small, big = samples[id(self.small)], samples[id(self.big)]
        times = ratio([sample.load for sample in small], [sample.load for sample in big])
        self.compared.append(Compared(name, at_once, summed_up(name, small), summed_up(name, big), times))

    async def _hold_targets(self) -> None:
        """Everything of the large one again, with a thousand connections open beside."""
        await self.big.side.people.come_back(self.big.house.url)
        self.say("1,000 connections are opened")
        async with Idle(HOST, self.big.house.port, self.big.asked[0].requests(self.big.side)[0]) as idle:
            await idle.answered()
            for asked in self.big.asked:
                self.say(f"{asked.name}, {CLIENTS} at once, beside 1,000 connections")
                samples = [await self._sample(self.big, asked, CLIENTS) for _ in range(self.options.rounds)]
                self.targets.append(summed_up(asked.name, samples))
            self.connections = await idle.answered()

    async def _sample(self, one: Standing, asked: Asked, at_once: int) -> Sample:
        await one.side.people.come_back(one.house.url)
        await one.database.execute("CHECKPOINT")  # nobody pays for what ran before
        self._runs += 1
        keys = f"{self._runs:04}-" if asked.posts else ""
        before = one.house.cpu_seconds()
        requests = asked.requests(one.side)
        made = await self.generator.run(
            Plan(HOST, one.house.port, requests, at_once, self.options.seconds, asked.status, warmup=_WARMUP, keys=keys)
        )
        used = {name: seconds - before[name] for name, seconds in one.house.cpu_seconds().items()}
        if asked.posts:
            one.acknowledged += made.acknowledged
            await _told(one.database)
        return Sample(made, {**used, "load": made.cpu_seconds})


async def _told(database: Connection) -> None:
    """Until all events of the posts are published, so that the relay is no part of what is measured next."""
    async with asyncio.timeout(60):
        while await database.fetchval("SELECT EXISTS (SELECT FROM messages.outbox WHERE published_at IS NULL)"):
            await asyncio.sleep(0.02)
