"""Rate limits: in Valkey for all gateways together, in this process while Valkey is away."""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from shared.application import Dependency
from shared.messaging.context import NO_CONTEXT, current_context
from shared.valkey import PATIENCE, OptionalValkey

log = structlog.get_logger()

WINDOW = 60  # seconds

# A sliding window of two counters: what came in this minute, and the part of the last one that is within sixty seconds.
# The time is Valkey's: the gateways' clocks need not agree. Keys come in sets, one for each request: it is counted by all of them or by
# none, so that one who is over their own limit takes nothing from their workspace's.
_SCRIPT = """
local time = redis.call('TIME')
local now, window = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[1]) * 1000
local span, since = math.floor(now / window), now % window
local left = (window - since) / window
local verdicts = {}
local first = 1
for set = #KEYS + 2, #ARGV do
  local counts, all = {}, true
  for i = first, first + tonumber(ARGV[set]) - 1 do
    local key, quota = KEYS[i], tonumber(ARGV[i + 1])
    local kept_span, before, count = string.match(redis.call('GET', key) or '', '(%d+) (%d+) (%d+)')
    kept_span, before, count = tonumber(kept_span or 0), tonumber(before or 0), tonumber(count or 0)
    if kept_span == span - 1 then before, count = count, 0 elseif kept_span ~= span then before, count = 0, 0 end
    local used, wait = before * left + count, window - since
    local allowed = used + 1 <= quota
    if not allowed then
      all = false
      if count + 1 > quota then
        wait = wait + window * (1 - (quota - 1) / count)
      else
        wait = window * (1 - (quota - 1 - count) / before) - since
      end
    end
    table.insert(counts, {key, allowed, quota - used, math.ceil(wait), before, count})
  end
  for _, one in ipairs(counts) do
    if all then redis.call('SET', one[1], string.format('%d %d %d', span, one[5], one[6] + 1), 'PX', 2 * window) end
    table.insert(verdicts, one[2] and 1 or 0)
    table.insert(verdicts, math.max(0, math.floor(one[3] - (all and 1 or 0))))
    table.insert(verdicts, one[4])
  end
  first = first + tonumber(ARGV[set])
end
return verdicts
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a minute for each of those whom it counts; 0 is no limit."""

    name: str
    quota: int
    policy: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "policy", b'"%s";q=%d;w=%d' % (self.name.encode(), self.quota, WINDOW))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on; `seconds` until there is room again, or until the window ends."""

    rate: Rate
    allowed: bool
    remaining: int
    seconds: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As in the IETF's draft-ietf-httpapi-ratelimit-headers."""
        name = self.rate.name.encode()
        return [(b"ratelimit-policy", self.rate.policy), (b"ratelimit", b'"%s";r=%d;t=%d' % (name, self.remaining, self.seconds))]


class Count(NamedTuple):
    """What a request is counted by: a rate, and whom it counts."""

    rate: Rate
    who: str

    @property
    def key(self) -> str:
        return f"limit:{self.rate.name}:{self.who}"


class _Question(NamedTuple):
    counts: Sequence[Count]
    answer: asyncio.Future[Verdict]


class Limits:
    """Counts requests. What is asked in one turn of the loop, or while the last answer is on its way, is one script in Valkey."""

    def __init__(self, redis_url: str | None, *, patience: float = PATIENCE) -> None:
        self._valkey = OptionalValkey(redis_url, patience=patience)
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._waiting: list[_Question] = []
        self._asking: asyncio.Task[None] | None = None

    def take(self, *counts: Count) -> asyncio.Future[Verdict]:
        """Count one request by all of these or, where one of them is over, by none; the tightest verdict.

        A future and no coroutine, so that it is under way while its caller asks for something else.
        """
        loop = asyncio.get_running_loop()
        question = _Question(counts, loop.create_future())
        self._waiting.append(question)
        if self._asking is None:
            self._asking = loop.create_task(self._ask_all())
        return question.answer

    async def health(self) -> Dependency:
        """Valkey's; without it limits are counted in this process, and all goes on."""
        return await self._valkey.health()

    async def close(self) -> None:
        await self._valkey.close()

    async def _ask_all(self) -> None:
        current_context.set(NO_CONTEXT)  # it asks for many, and is nobody's own request
        try:
            while self._waiting:
                questions, self._waiting = self._waiting, []
                verdicts = await self._ask_valkey(questions) or [self._ask_here(question) for question in questions]
                for question, verdict in zip(questions, verdicts, strict=True):
                    if not question.answer.done():
                        question.answer.set_result(verdict)
        finally:
            self._asking = None

    async def _ask_valkey(self, questions: list[_Question]) -> list[Verdict] | None:
        """None while it is away."""
        counts = [count for question in questions for count in question.counts]
        args = [WINDOW, *(count.rate.quota for count in counts), *(len(question.counts) for question in questions)]
        found: list[int] | None = await self._valkey.run(_SCRIPT, [count.key for count in counts], args)
        if found is None:
            return None
        parts = zip(counts, found[::3], found[1::3], found[2::3], strict=True)
        verdicts = iter([Verdict(count.rate, bool(allowed), left, math.ceil(wait / 1000)) for count, allowed, left, wait in parts])
        return [_tightest([next(verdicts) for _ in question.counts]) for question in questions]

    def _ask_here(self, question: _Question) -> Verdict:
        items = [(count, RateLimitItemPerMinute(count.rate.quota)) for count in question.counts]
        allowed = [self._here.test(item, count.key) for count, item in items]
        if all(allowed):
            for count, item in items:
                self._here.hit(item, count.key)
        verdicts = []
        for (count, item), may in zip(items, allowed, strict=True):
            window = self._here.get_window_stats(item, count.key)
            seconds = max(1, math.ceil(window.reset_time - time.time()))
            verdicts.append(Verdict(count.rate, may, window.remaining, min(seconds, WINDOW)))
        return _tightest(verdicts)


def _tightest(verdicts: Sequence[Verdict]) -> Verdict:
    """The one to know about: which refuses, for the longest, or else leaves the least."""
    return min(verdicts, key=lambda one: (one.allowed, one.remaining if one.allowed else -one.seconds))
