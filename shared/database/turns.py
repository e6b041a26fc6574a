"""Whose turn it is to change something that is changed by one at a time."""

import asyncio
from collections.abc import Hashable
from weakref import WeakValueDictionary

_AT_ONCE = 2  # one begins while another commits


class Turns:
    """Who waits for a row's lock holds no connection meanwhile: a crowd at one thing keeps nobody from another."""

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._at_once = at_once
        self._of: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, thing_id: Hashable) -> asyncio.Semaphore:
        """To be held around the transaction; who holds or awaits it keeps it."""
        return self._of.setdefault(thing_id, asyncio.Semaphore(self._at_once))
