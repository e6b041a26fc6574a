"""Groups: what waits is done together."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from shared.contracts.refusals import Refusal, ServiceIsUnavailable
from shared.contracts.threads.access import ThreadNotFound
from shared.database.groups import Groups
from shared.messaging.context import Context, current_context


class Work:
    """Doubles numbers; refuses 7, and fails whole groups that hold 13."""

    def __init__(self) -> None:
        self.groups: list[tuple[str, list[int]]] = []
        self.running: dict[str, int] = {}

    async def __call__(self, key: str, items: Sequence[int]) -> list[int | Refusal]:
        assert self.running.get(key, 0) == 0, "two groups of one key at once"
        self.running[key] = 1
        self.groups.append((key, list(items)))
        await asyncio.sleep(0.01)
        self.running[key] = 0
        if 13 in items:
            raise ZeroDivisionError
        return [ThreadNotFound() if item == 7 else item * 2 for item in items]


async def test_what_comes_in_while_a_group_runs_is_the_next_group() -> None:
    work = Work()
    groups = Groups(work)
    first = [asyncio.ensure_future(groups.join("a", item)) for item in (1, 2)]
    await asyncio.sleep(0.005)
    second = [asyncio.ensure_future(groups.join("a", item)) for item in (3, 4, 5)]
    assert await asyncio.gather(*first, *second) == [2, 4, 6, 8, 10]
    assert work.groups == [("a", [1, 2]), ("a", [3, 4, 5])]


async def test_keys_are_never_mixed() -> None:
    work = Work()
    groups = Groups(work)
    assert list(await asyncio.gather(groups.join("a", 1), groups.join("b", 2))) == [2, 4]
    assert sorted(work.groups) == [("a", [1]), ("b", [2])]


async def test_a_group_has_a_bound() -> None:
    work = Work()
    groups = Groups(work, most=2)
    await asyncio.gather(*(groups.join("a", item) for item in (1, 2, 3)))
    assert [items for _, items in work.groups] == [[1, 2], [3]]


async def test_a_refusal_is_its_item_s_alone() -> None:
    groups = Groups(Work())
    outcomes = await asyncio.gather(*(groups.join("a", item) for item in (6, 7, 8)), return_exceptions=True)
    assert [outcome if isinstance(outcome, int) else type(outcome) for outcome in outcomes] == [12, ThreadNotFound, 16]


async def test_a_group_that_fails_is_tried_one_by_one_so_that_the_culprit_fails_alone() -> None:
    groups = Groups(Work())
    outcomes = await asyncio.gather(*(groups.join("a", item) for item in (1, 13, 2)), return_exceptions=True)
    assert [outcome if isinstance(outcome, int) else type(outcome) for outcome in outcomes] == [2, ZeroDivisionError, 4]


async def test_what_passed_its_deadline_in_the_queue_is_not_done() -> None:
    work = Work()
    groups = Groups(work)
    running = asyncio.ensure_future(groups.join("a", 1))
    await asyncio.sleep(0.001)
    token = current_context.set(Context(time.time() + 0.002, "", ""))
    late = asyncio.ensure_future(groups.join("a", 2))
    current_context.reset(token)
    with pytest.raises(ServiceIsUnavailable):
        await late
    assert await running == 2
    assert work.groups == [("a", [1])]


async def test_what_nobody_waits_for_any_more_is_not_done() -> None:
    work = Work()
    groups = Groups(work)
    running = asyncio.ensure_future(groups.join("a", 1))
    await asyncio.sleep(0.001)
    given_up = asyncio.ensure_future(groups.join("a", 2))
    await asyncio.sleep(0)
    given_up.cancel()
    await running
    await asyncio.sleep(0.02)
    assert work.groups == [("a", [1])]


async def test_items_that_came_together_stay_together_and_each_has_its_outcome() -> None:
    work = Work()
    groups = Groups(work, most=3)
    first, second = await asyncio.gather(groups.join_all("a", [1, 7]), groups.join_all("a", [3, 4]))
    assert [outcome if isinstance(outcome, int) else type(outcome) for outcome in (*first, *second)] == [2, ThreadNotFound, 6, 8]
    assert [items for _, items in work.groups] == [[1, 7], [3, 4]]
