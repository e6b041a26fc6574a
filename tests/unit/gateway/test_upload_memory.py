"""So much of files is held at once, and no more: who comes later waits, and nobody keeps out all others."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from services.gateway.errors import UploadsAreTooMany
from services.gateway.upload_memory import UploadMemory
from shared.identifiers import new_id

ADA, GRACE, JOAN = (new_id() for _ in range(3))


class Uploads:
    """Those that hold something of a memory of 100 bytes."""

    def __init__(self, patience: float = 5) -> None:
        self.memory = UploadMemory(100, patience)
        self.under_way: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, name: str, user: UUID, size: int) -> None:
        """And see how far it comes."""
        self._tasks[name] = asyncio.create_task(self._upload(name, user, size))
        await asyncio.sleep(0.01)

    async def end(self, name: str) -> None:
        self.under_way[name].set()
        await self._tasks[name]
        await asyncio.sleep(0.01)

    def cancel(self, name: str) -> None:
        self._tasks[name].cancel()

    async def leave(self, name: str) -> None:
        self.cancel(name)
        await asyncio.gather(self._tasks[name], return_exceptions=True)
        await asyncio.sleep(0.01)

    async def _upload(self, name: str, user: UUID, size: int) -> None:
        async with self.memory.room(user, size):
            self.under_way[name] = asyncio.Event()
            await self.under_way[name].wait()
        del self.under_way[name]


async def test_who_comes_when_all_is_taken_waits_until_somebody_is_done() -> None:
    uploads = Uploads()
    await uploads.begin("first", ADA, 50)
    await uploads.begin("second", GRACE, 50)
    await uploads.begin("third", JOAN, 10)
    assert set(uploads.under_way) == {"first", "second"}
    await uploads.end("first")
    assert set(uploads.under_way) == {"second", "third"}


async def test_one_user_keeps_out_nobody() -> None:
    uploads = Uploads()
    for number in range(5):
        await uploads.begin(f"ada's {number}", ADA, 25)
    assert set(uploads.under_way) == {"ada's 0", "ada's 1"}
    await uploads.begin("grace's", GRACE, 50)
    assert "grace's" in uploads.under_way


async def test_first_come_is_first_served_however_little_the_next_one_asks_for() -> None:
    uploads = Uploads()
    await uploads.begin("first", ADA, 50)
    await uploads.begin("second", GRACE, 40)
    await uploads.begin("large", JOAN, 50)
    await uploads.begin("small", new_id(), 5)
    assert set(uploads.under_way) == {"first", "second"}
    await uploads.end("second")
    assert set(uploads.under_way) == {"first", "large"}
    await uploads.end("first")
    assert set(uploads.under_way) == {"large", "small"}


async def test_who_leaves_while_waiting_holds_up_nobody() -> None:
    uploads = Uploads()
    await uploads.begin("first", ADA, 50)
    await uploads.begin("second", GRACE, 40)
    await uploads.begin("large", JOAN, 50)
    await uploads.begin("small", new_id(), 5)
    await uploads.leave("large")
    assert set(uploads.under_way) == {"first", "second", "small"}


async def test_who_is_cancelled_just_when_the_turn_came_gives_it_back() -> None:
    memory = UploadMemory(100)

    async def upload() -> None:
        async with memory.room(ADA, 50):
            pass

    async with AsyncExitStack() as held:
        await held.enter_async_context(memory.room(ADA, 50))
        waiting = asyncio.create_task(upload())
        await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(1), memory.room(GRACE, 50), memory.room(JOAN, 50):
        pass
    async with asyncio.timeout(1), memory.room(ADA, 50):
        pass


async def test_who_is_cancelled_just_before_the_turn_comes_takes_nothing_with_them() -> None:
    uploads = Uploads()
    await uploads.begin("first", ADA, 50)
    await uploads.begin("second", GRACE, 50)
    await uploads.begin("leaves", JOAN, 50)
    uploads.under_way["first"].set()
    uploads.cancel("leaves")  # whoever makes room sees that nobody waits there any more
    await uploads.end("first")
    await uploads.begin("next", ADA, 50)
    assert set(uploads.under_way) == {"second", "next"}


async def test_nobody_waits_for_ever() -> None:
    uploads = Uploads(patience=0.05)
    await uploads.begin("first", ADA, 50)
    with pytest.raises(UploadsAreTooMany):
        async with uploads.memory.room(ADA, 1):
            pass


async def test_what_is_larger_than_all_there_is_has_a_users_share() -> None:
    async with asyncio.timeout(1), UploadMemory(100).room(ADA, 1_000):
        pass


async def test_users_who_are_done_are_forgotten() -> None:
    memory = UploadMemory(100)
    for _ in range(10):
        async with memory.room(new_id(), 10):
            assert memory.users == 1
    assert memory.users == 0
