"""Services that share a process ask each other without the broker: the same bounds, deadlines and refusals, and no bytes between."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from itertools import batched
from typing import Any, Protocol

from pydantic import BaseModel

from shared.contracts.operations import Operation
from shared.contracts.refusals import ServiceIsUnavailable, TokenlessRequest
from shared.messaging.work import Ask, Outcome, Work
from shared.observability.metrics import CALL_SECONDS

MOST_TOGETHER = 100


class Bounded(Protocol):
    """A responder, as far as work in flight goes."""

    def take(self, calls: int) -> bool: ...
    def given(self, calls: int) -> None: ...
    def spawn(self, work: Coroutine[Any, Any, None], within: float) -> None: ...


class Process:
    """What is answered in this process; the rest goes by NATS. Made by whoever runs several services together."""

    def __init__(self) -> None:
        self._works: dict[str, LocalWork] = {}

    def answer(self, work: "LocalWork") -> None:
        self._works[work.operation.subject] = work

    def forget(self, work: "LocalWork") -> None:
        self._works.pop(work.operation.subject, None)

    def find(self, operation: Operation[Any, BaseModel]) -> "LocalWork | None":
        return self._works.get(operation.subject)


class LocalWork:
    """One operation. What is asked in one turn of the loop is handled together, as if it had come in one message."""

    def __init__(self, work: Work, responder: Bounded) -> None:
        self.operation = work.operation
        self._work, self._responder = work, responder
        self._waiting: list[_Asked] = []
        self._seconds = CALL_SECONDS.labels(work.operation.owner, work.operation.name)

    def ask(self, ask: Ask[Any, Any]) -> asyncio.Future[Outcome]:
        if ask.caller is None and not self.operation.anonymous:
            raise TokenlessRequest
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._take)
        asked = _Asked(ask, loop.create_future())
        self._waiting.append(asked)
        return asked.future

    def _take(self) -> None:
        waiting, self._waiting = self._waiting, []
        for some in batched(waiting, MOST_TOGETHER):
            if not self._responder.take(len(some)):
                _settle(some, [self._work.refused(ServiceIsUnavailable())] * len(some))
            elif self._work.together:
                self._handle(some, self._together(some))
            else:
                for asked in some:
                    self._handle([asked], self._alone(asked))

    def _handle(self, some: Sequence["_Asked"], handling: Coroutine[Any, Any, Sequence[Outcome]]) -> None:
        within = max(max(asked.ask.context.deadline for asked in some) - time.time(), 0)
        timer = asyncio.get_running_loop().call_later(within, _give_up, some)
        self._responder.spawn(self._settled(some, handling, timer), within)

    async def _settled(
        self, some: Sequence["_Asked"], handling: Coroutine[Any, Any, Sequence[Outcome]], timer: asyncio.TimerHandle
    ) -> None:
        started = time.perf_counter()
        try:
            _settle(some, await handling)
        finally:
            timer.cancel()
            self._responder.given(len(some))
            self._seconds.observe(time.perf_counter() - started)

    async def _together(self, some: Sequence["_Asked"]) -> Sequence[Outcome]:
        return await self._work.outcomes([asked.ask for asked in some])

    async def _alone(self, asked: "_Asked") -> Sequence[Outcome]:
        return [await self._work.outcome(asked.ask)]


class _Asked:
    __slots__ = ("ask", "future")

    def __init__(self, ask: Ask[Any, Any], future: asyncio.Future[Outcome]) -> None:
        self.ask, self.future = ask, future


def _settle(some: Sequence[_Asked], outcomes: Sequence[Outcome]) -> None:
    for asked, outcome in zip(some, outcomes, strict=True):
        if not asked.future.done():
            asked.future.set_result(outcome)


def _give_up(some: Sequence[_Asked]) -> None:
    """Their time is over, whatever the handler still does."""
    _settle(some, [ServiceIsUnavailable()] * len(some))
