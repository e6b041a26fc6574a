"""The load generator: keeps a number of requests in flight, and takes the time of each.

It runs in a process of its own, on uvloop, with requests made beforehand, so that it is not what is measured. How much of a core it used
is part of every result, and what it reaches against a server that does nothing is measured too (`ceiling.py`).
"""

import asyncio
import resource
import signal
from array import array
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from time import perf_counter
from typing import cast, override

import uvloop

from tests.bench.http import Response

KEY = b"@@@@@@@@@@@@@@@@"
"""Stands in a request where each sending has a text of its own, of the same length."""

_LAST_ANSWERS = 15.0


@dataclass(frozen=True)
class Plan:
    """What to ask, and for how long. The requests are sent in turn, by each connection from another place on."""

    host: str
    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    expected: int
    warmup: float = 1.0
    keys: str = ""
    """What the texts in the place of KEY begin with; they differ by a number."""
    in_all: int | None = None
    """So many requests, and the time until the last answer: what is large comes in few answers, which a fixed time cuts off unevenly.
    `seconds` is the most that they may take, and a warm-up would leave the first of them out."""


@dataclass(frozen=True)
class Load:
    """What came of a plan. Answers during warm-up, and to what was under way at the end, are acknowledged but not timed."""

    connections: int
    seconds: float
    acknowledged: int
    latencies: "array[float]"
    unexpected: dict[str, int]
    cpu_seconds: float
    """Of the generator itself."""

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds


@dataclass
class _Tally:
    """What the connections of one plan write into. Times are taken between `begin` and `end`."""

    plan: Plan
    begin: float
    end: float
    last: float = 0.0
    asked: int = 0
    acknowledged: int = 0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    unexpected: Counter[str] = field(default_factory=Counter)

    def goes_on(self, now: float) -> bool:
        """Whether there is more to ask."""
        return now < self.end and (self.plan.in_all is None or self.asked < self.plan.in_all)

    @property
    def seconds(self) -> float:
        """That were measured."""
        return self.plan.seconds if self.plan.in_all is None else self.last - self.begin

    def request(self, turn: int) -> bytes:
        self.asked += 1
        request = self.plan.requests[turn % len(self.plan.requests)]
        if self.plan.keys:
            return request.replace(KEY, b"%s%0*d" % (self.plan.keys.encode(), len(KEY) - len(self.plan.keys), self.asked))
        return request

    def answered(self, response: Response, sent: float, now: float) -> None:
        if response.status != self.plan.expected:
            self.unexpected[response.refusal] += 1
            return
        self.acknowledged += 1
        self.last = now
        if self.begin <= now <= self.end:
            self.latencies.append(now - sent)


class _Connection(asyncio.Protocol):
    """Asks, waits for the answer, asks again."""

    def __init__(self, tally: _Tally, turn: int) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._tally, self._turn = tally, turn
        self._response = Response()
        self._sent = 0.0

    async def open(self) -> None:
        plan = self._tally.plan
        await asyncio.get_running_loop().create_connection(lambda: self, plan.host, plan.port)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's are of no class of asyncio's
        self._ask()

    @override
    def data_received(self, data: bytes) -> None:
        if not self._response.feed(data):
            return
        now = perf_counter()
        self._tally.answered(self._response, self._sent, now)
        if self._tally.goes_on(now):
            self._ask()
        else:
            self._sent = 0.0
            self._transport.close()

    @override
    def connection_lost(self, error: Exception | None) -> None:
        if self._sent:
            self._tally.unexpected[f"no answer: {error or 'the connection was closed'}"] += 1
        self.done.set_result(None)

    def give_up(self) -> None:
        """Close, whatever is under way."""
        self._transport.abort()

    def _ask(self) -> None:
        request = self._tally.request(self._turn)
        self._turn += 1
        self._sent = perf_counter()
        self._transport.write(request)


class Generator:
    """The process that makes the load."""

    def __init__(self) -> None:
        self._process = ProcessPoolExecutor(1, get_context("spawn"), _ignore_interrupts)

    async def __aenter__(self) -> "Generator":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.shutdown()

    async def run(self, plan: Plan) -> Load:
        return await asyncio.get_running_loop().run_in_executor(self._process, _run, plan)


def _ignore_interrupts() -> None:
    """A Ctrl-C is for the bench, which ends this process in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(plan: Plan) -> Load:
    before = _cpu_seconds()
    tally = uvloop.run(_ask_all(plan))
    return Load(plan.connections, tally.seconds, tally.acknowledged, tally.latencies, dict(tally.unexpected), _cpu_seconds() - before)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _ask_all(plan: Plan) -> _Tally:
    begin = perf_counter() + plan.warmup
    tally = _Tally(plan, begin, begin + plan.seconds)
    connections = [_Connection(tally, turn) for turn in range(plan.connections)]
    for connection in connections:
        await connection.open()
    await asyncio.wait([connection.done for connection in connections], timeout=tally.end - perf_counter() + _LAST_ANSWERS)
    for connection in connections:
        connection.give_up()
    await asyncio.gather(*(connection.done for connection in connections))
    return tally
