"""Hours of an ordinary day: some hundred people who follow one thread, and posts at a steady pace."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean, median
from uuid import UUID

from tests.bench.floors import REFUSED, Check, Floor
from tests.bench.house import House
from tests.bench.measures import percentile
from tests.bench.realtime.crowd import Crowd
from tests.bench.realtime.followers import Followers
from tests.bench.realtime.scenarios import CLIENTS, PATH

P99 = Floor("p99", 1, "s", False, "from the request to the last socket")
MEAN = Floor("mean", 0.1, "s", False, "the same")
GROWTH = Floor("memory grows", 0.05, "", False, "what runs for weeks holds what it held after its first minutes")

RING = 30_000
"""Posts after which a gateway's ring of the newest events is full: it is memory that it may have, and is no growth."""
WARM_UP = 60.0
STRETCH = 240.0
"""Seconds on one token; each lasts 15 minutes, and is renewed on the open socket."""
_LOOKED_EVERY = 2.0
_EDGE = 30
"""Looks at the memory, at the beginning and at the end, that are compared by their medians."""


@dataclass
class Soaked:
    """told: seconds from each request until the last socket had it. megabytes: of Atrium's own processes, every 2 s."""

    sockets: int
    per_second: float
    told: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    unexpected: dict[str, int] = field(default_factory=dict)

    @property
    def growth(self) -> float:
        some = max(1, min(_EDGE, len(self.megabytes) // 3))
        return median(self.megabytes[-some:]) / median(self.megabytes[:some]) - 1

    def checks(self) -> list[Check]:
        name = f"{self.sockets} sockets, {self.per_second:g} posts/s"
        return [
            Check(P99, name, percentile(sorted(self.told), 0.99)),
            Check(MEAN, name, fmean(self.told)),
            Check(GROWTH, name, self.growth),
            Check(REFUSED, name, sum(self.unexpected.values())),
        ]


@dataclass
class Soak:
    house: House
    crowd: Crowd
    followers: Followers
    thread: UUID
    results: Soaked
    say: Callable[[str], None]

    async def run(self, seconds: float) -> None:
        self.say(f"{RING:,} posts, so that the gateway's ring is full")
        await self.crowd.open("one", self.house.port, PATH, self.followers.sign_in(0, 1))
        await self.crowd.burst("one", self.house.port, self._posts(), RING, CLIENTS)
        await self.crowd.close("one")
        await self.crowd.open("all", self.house.port, PATH, self._tokens())
        await self._stretch(WARM_UP)
        self.results.told.clear()
        looking = asyncio.create_task(self._look())
        for begin in range(0, int(seconds), int(STRETCH)):
            self.say(f"minute {begin // 60} of {seconds / 60:g}; p99 {percentile(sorted(self.results.told), 0.99) * 1_000:.0f} ms")
            await self.crowd.renew("all", self._tokens())
            await self._stretch(min(STRETCH, seconds - begin))
        looking.cancel()
        self.results.unexpected = await self.crowd.unexpected()

    async def _stretch(self, seconds: float) -> None:
        told = await self.crowd.paced("all", self.house.port, self._posts(), self.results.per_second, seconds)
        self.results.told += told.told

    async def _look(self) -> None:
        while True:
            self.results.megabytes.append(self.house.megabytes())
            await asyncio.sleep(_LOOKED_EVERY)

    def _tokens(self) -> list[str]:
        return self.followers.sign_in(0, self.results.sockets)

    def _posts(self) -> list[bytes]:
        return self.followers.posts(self.thread, 0, min(CLIENTS, self.results.sockets))
