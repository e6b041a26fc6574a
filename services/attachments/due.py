"""Work on the store that is due, one object after the other: one that cannot be done now holds up no other."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from shared.store.store import StoreIsAway

BATCH = 100
MOST_LEFT = 100  # of one round; where it is more, the store itself is what is wrong


class Due(Protocol):
    @property
    def id(self) -> UUID: ...


class Done(NamedTuple):
    """How many were done. trouble: what the store said of the first that it did not let be done."""

    many: int
    trouble: StoreIsAway | None


async def do_each[T: Due](due: Callable[[int, Sequence[UUID]], Awaitable[list[T]]], do: Callable[[T], Awaitable[bool]]) -> Done:
    """due: at most so many, without those that are left to the next round. do: says whether it was done."""
    many, trouble, more = 0, None, True
    left: list[UUID] = []
    while more and len(left) < MOST_LEFT:
        batch = await due(BATCH, left)
        for one in batch:
            done = False
            try:
                done = await do(one)
            except StoreIsAway as away:
                trouble = trouble or away
            many += done
            if not done:
                left.append(one.id)
        more = len(batch) >= BATCH
    return Done(many, trouble)
