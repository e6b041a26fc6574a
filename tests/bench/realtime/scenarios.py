"""What is measured of live connections, one method a scenario."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import httpx2
import psutil

from tests.bench.history import Connection
from tests.bench.house import House
from tests.bench.people import ask
from tests.bench.realtime.bare import fanned
from tests.bench.realtime.clients import Burst
from tests.bench.realtime.crowd import Crowd
from tests.bench.realtime.followers import Followers
from tests.bench.realtime.measures import Fanned, IdleMeasured, RealtimeMeasured, ResumedMeasured

PATH = "/api/collab/ws"
FOLLOWERS = 1_000
BURST, CLIENTS = 300, 64
BEHIND, OTHERS, POSTS_A_SECOND = 500, 100, 20
"""Events that those missed who come back; sockets that are open meanwhile; what they are told."""
WATCHED = 12.0
"""Seconds of that: longer than anybody may take to come back."""
SINGLE_POSTS = 20  # for a second of the run's length
_BEATS = 6
"""Idle sockets are looked at so many times as long as others: a minute, where they take 10 s."""
_SETTLING, _BEFORE = 5.0, 1.0
_WARM_UP = 50
_MS = 1_000
_KIBIBYTE = 1_024


@dataclass
class RealtimeScenarios:
    """All of one house, whose gateway is a process of its own."""

    house: House
    crowd: Crowd
    database: Connection
    followers: Followers
    thread: UUID
    seconds: float
    rounds: int
    results: RealtimeMeasured
    say: Callable[[str], None]

    async def fan_out(self) -> None:
        """Single posts, then bursts, to all who take part in the thread."""
        self.say(f"{FOLLOWERS:,} sockets open")
        await self.crowd.open("all", self.house.port, PATH, self.followers.sign_in(0, FOLLOWERS))
        await self._singly(_WARM_UP)
        self.say("single posts")
        told = await self._singly(int(self.seconds * SINGLE_POSTS))
        self.results.answered_ms = sorted(seconds * _MS for seconds in told[0])
        self.results.told_ms = sorted(seconds * _MS for seconds in told[1])
        ours, bare, frame_bytes = list[float](), list[float](), 0.0
        for number in range(1, self.rounds + 1):
            self.say(f"a burst of {BURST} posts, round {number}")
            burst = await self._burst()
            ours.append(burst.per_second)
            bare.append(await self._bare_burst(int(burst.frame_bytes)))
            frame_bytes = burst.frame_bytes
        self.results.fanned = Fanned(BURST, FOLLOWERS, frame_bytes, ours, bare)
        await self.crowd.close("all")

    async def resume(self) -> None:
        """All come back at once, in a process of their own: those who make and take the time of what others are told do nothing else."""
        for number in range(1, self.rounds + 1):
            self.say(f"{FOLLOWERS:,} clients come back, each {BEHIND} events behind, round {number}")
            async with Crowd() as returning:
                await self._come_back(returning)

    async def _come_back(self, returning: Crowd) -> None:
        port, cursor = self.house.port, await self._cursor()
        await self.crowd.open("others", port, PATH, self.followers.sign_in(0, OTHERS))
        await self.crowd.burst("others", port, self._posts(), BEHIND, CLIENTS)
        meanwhile = asyncio.create_task(self.crowd.paced("others", port, self._posts(), POSTS_A_SECOND, WATCHED))
        await asyncio.sleep(_BEFORE)
        path, tokens = f"{PATH}?cursor={cursor}", self.followers.sign_in(0, FOLLOWERS)
        back = await returning.come_back("back", port, path, tokens, BEHIND)
        told = await meanwhile
        live = [seconds * _MS for sent, seconds in zip(told.sent, told.told, strict=True) if back.begin <= sent <= back.end]
        self.results.resumed.append(ResumedMeasured(FOLLOWERS, BEHIND, back.end - back.begin, sorted(live)))
        add_up(self.results.unexpected, await returning.unexpected())
        await self.crowd.close("others")

    async def idle(self, sockets: int) -> None:
        """As many users who take part in nothing."""
        self.say(f"{sockets:,} idle sockets")
        gateway = psutil.Process(self.house.programs["gateway"].process.pid)
        tokens = self.followers.sign_in(0, sockets)
        await self.crowd.open("first", self.house.port, PATH, tokens[:_WARM_UP])
        await self.crowd.close("first")
        before = gateway.memory_info().rss
        await self.crowd.open("idle", self.house.port, PATH, tokens)
        await asyncio.sleep(_SETTLING)
        grown = gateway.memory_info().rss - before
        begin, used = time.perf_counter(), _cpu_seconds(gateway)
        await asyncio.sleep(self.seconds * _BEATS)
        taken = time.perf_counter() - begin
        core = (_cpu_seconds(gateway) - used) / taken
        self.results.idle = IdleMeasured(sockets, grown / sockets / _KIBIBYTE, taken, core)
        await self.crowd.close("idle")

    async def _singly(self, posts: int) -> tuple[list[float], list[float]]:
        told = await self.crowd.singly("all", self.house.port, self._posts(), posts)
        return told.answered, told.told

    async def _burst(self) -> Burst:
        await self.database.execute("CHECKPOINT")
        before, load = self.house.cpu_seconds(), await self.crowd.cpu_seconds()
        burst = await self.crowd.burst("all", self.house.port, self._posts(), BURST, CLIENTS)
        used = {name: seconds - before[name] for name, seconds in self.house.cpu_seconds().items()}
        self.results.cpu_seconds = {**used, "load": await self.crowd.cpu_seconds() - load}
        return burst

    async def _bare_burst(self, frame_bytes: int) -> float:
        async with fanned(frame_bytes) as port:
            await self.crowd.open("bare", port, PATH, ["x"] * FOLLOWERS)
            burst = await self.crowd.burst("bare", port, self._posts(), BURST, CLIENTS)
            await self.crowd.close("bare")
        return burst.per_second

    async def _cursor(self) -> str:
        async with httpx2.AsyncClient(base_url=self.house.url, timeout=30) as client:
            cursor: str = (await ask(client, "GET", "/api/collab/snapshot-cursor", 200, self.followers.owner))["cursor"]
        return cursor

    def _posts(self) -> list[bytes]:
        return self.followers.posts(self.thread, 0, CLIENTS)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def add_up(unexpected: dict[str, int], more: Mapping[str, int]) -> None:
    for what, count in more.items():
        unexpected[what] = unexpected.get(what, 0) + count
