"""Whose turn it is to change something that is changed by one at a time."""

import asyncio
from uuid import UUID
from weakref import WeakValueDictionary

_AT_ONCE = 2  # one begins while another commits


class Turns:
    """Who waits for a row's lock holds no connection meanwhile: a crowd at one thing keeps nobody from another."""

    def __init__(self) -> None:
        self._of: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, thing_id: UUID) -> asyncio.Semaphore:
        """To be held around the transaction; who holds or awaits it keeps it."""
        return self._of.setdefault(thing_id, asyncio.Semaphore(_AT_ONCE))
