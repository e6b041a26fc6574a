"""All clients of a bench, in a process of their own: what they are to do, one call after the other."""

import asyncio
import gc
import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from tests.bench.realtime.following import PATIENCE, Follower, Group
from tests.bench.realtime.posting import Posting
from tests.processes import HOST

AT_ONCE = 64
"""Sockets that are opened at once, where it is not about that."""


@dataclass(frozen=True)
class Told:
    """Of each post, when it was sent; and the seconds until the last of a group was told. answered: until it was acknowledged."""

    answered: list[float]
    sent: list[float]
    told: list[float]


@dataclass(frozen=True)
class Burst:
    """seconds: from the first request until the last of the group has the last message. frame_bytes: of one message."""

    seconds: float
    posted_seconds: float
    deliveries: int
    frame_bytes: float

    @property
    def per_second(self) -> float:
        return self.deliveries / self.seconds


@dataclass(frozen=True)
class Back:
    """When the first handshake began, and when the last client had all that it missed."""

    begin: float
    end: float


class Clients:
    """Groups of followers, by name."""

    def __init__(self) -> None:
        gc.disable()  # a pause of its own would be measured as one of the server
        self._groups: dict[str, Group] = {}
        self._unexpected: Counter[str] = Counter()

    async def open(self, name: str, port: int, path: str, tokens: Sequence[str], at_once: int = AT_ONCE) -> None:
        """A socket for each token; all are told what comes from now on."""
        group = self._groups[name] = Group()
        group.followers = [Follower(group, path, token, witness=not place) for place, token in enumerate(tokens)]
        few = asyncio.Semaphore(at_once)
        await asyncio.gather(*(_opened(port, follower, few) for follower in group.followers))

    async def close(self, name: str) -> None:
        group = self._groups.pop(name)
        self._unexpected += group.unwanted
        for follower in group.followers:
            follower.leave()
        gc.collect()

    async def renew(self, name: str, tokens: Sequence[str]) -> None:
        followers = self._groups[name].followers
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(follower.renew(token) for follower, token in zip(followers, tokens, strict=True)))

    async def singly(self, name: str, port: int, requests: Sequence[bytes], posts: int) -> Told:
        """One post, and when the last was told the next one."""
        async with self._posting(port, requests) as posting:
            group = self._begin(name)
            for number in range(1, posts + 1):
                await posting.post()
                await group.reached(number)
            return _told(group, posting)

    async def burst(self, name: str, port: int, requests: Sequence[bytes], posts: int, clients: int) -> Burst:
        async with self._posting(port, requests) as posting:
            await posting.warm(clients)
            group = self._begin(name)
            begin = perf_counter()
            await posting.burst(posts, clients)
            posted = perf_counter()
            await group.reached(posts)
            seconds = max(group.at) - begin
            return Burst(seconds, posted - begin, posts * len(group.followers), group.bytes / posts)

    async def paced(self, name: str, port: int, requests: Sequence[bytes], per_second: float, seconds: float) -> Told:
        async with self._posting(port, requests) as posting:
            group = self._begin(name)
            await posting.paced(per_second, int(seconds * per_second))
            await group.reached(len(posting.answered))
            return _told(group, posting)

    async def come_back(self, name: str, port: int, path: str, tokens: Sequence[str], behind: int) -> Back:
        """All at once, to a path with their cursor."""
        begin = perf_counter()
        await self.open(name, port, path, tokens, at_once=len(tokens))
        group = self._groups[name]
        await group.reached(behind)
        return Back(begin, max(group.at[:behind]))

    async def unexpected(self) -> dict[str, int]:
        """All that was not as it should be, up to now."""
        return dict(sum((group.unwanted for group in self._groups.values()), self._unexpected))

    async def cpu_seconds(self) -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    def _begin(self, name: str) -> Group:
        group = self._groups[name]
        group.begin()
        return group

    def _posting(self, port: int, requests: Sequence[bytes]) -> Posting:
        return Posting(port, requests, self._unexpected)


def _told(group: Group, posting: Posting) -> Told:
    sent = [posting.sent[mark] for mark in group.marks]
    return Told(posting.answered, sent, [at - begin for at, begin in zip(group.at, sent, strict=True)])


async def _opened(port: int, follower: Follower, few: asyncio.Semaphore) -> None:
    async with few:
        await asyncio.get_running_loop().create_connection(lambda: follower, HOST, port)
        async with asyncio.timeout(PATIENCE):
            await follower.ready
