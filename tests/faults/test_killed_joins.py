"""kill -9 between the parts of a resumable upload and the file that they make: who sent them finishes it, and it is one file."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx2
import pytest

from services.gateway.resuming import PART
from tests.clamav import installed_clamd
from tests.faults.conftest import BOTH_STORES
from tests.faults.files import all_adds_up, becomes, read, shown
from tests.faults.holding import a_change_is_held, a_commit_is_held, commits_unanswered, new_files_held
from tests.faults.house import House, eventually
from tests.faults.load import NO_ANSWER, UNAVAILABLE
from tests.samples import noise
from tests.system.attachments.tus import create, id_of, offset_of, patch, resumed
from tests.system.people import Json, refusal

pytestmark = BOTH_STORES

CONTENT = noise(PART + 500_000)
BEING_FINISHED = (409, "upload_is_being_finished")
KILLED = pytest.mark.parametrize("name", ["attachments", "gateway"])


@dataclass
class Sender:
    """Sends a first part and the first byte of the second, and all else once it `goes_on`."""

    house: House
    path: str
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self) -> int:
        """The status; NO_ANSWER where the connection broke."""
        try:
            return (await patch(self.house.people[0], self.path, 0, self._content())).status_code
        except httpx2.TransportError:
            return NO_ANSWER

    async def has_begun_the_last_part(self) -> None:
        """Which has its row, and does not count yet."""

        async def is_there() -> bool:
            async with self.house.database() as admin:
                query = "SELECT count(size_bytes) = 1 AND count(*) = 2 FROM attachments.uploads WHERE resumable_id = $1"
                return bool(await admin.fetchval(query, id_of(self.path)))

        await eventually(is_there, "the last part has begun")

    async def _content(self) -> AsyncIterator[bytes]:
        yield CONTENT[: PART + 1]
        await self.goes_on.wait()
        yield CONTENT[PART + 1 :]


@KILLED
async def test_who_was_killed_before_the_parts_were_put_together_leaves_an_upload_that_goes_on(house: House, name: str) -> None:
    thread, sender = await begun(house)
    answer = asyncio.create_task(sender.answer())
    await sender.has_begun_the_last_part()
    async with commits_unanswered(house):
        sender.goes_on.set()
        await a_commit_is_held(house, "attachments")
        house.programs[name].kill()
        assert await answer in (NO_ANSWER, UNAVAILABLE)
    await house.mend()
    await is_finished_by_its_sender(house, thread, sender)


@KILLED
async def test_who_was_killed_when_the_parts_were_put_together_leaves_an_upload_that_goes_on(house: House, name: str) -> None:
    thread, sender = await killed_when_put_together(house, name)
    await is_finished_by_its_sender(house, thread, sender)


@KILLED
async def test_an_upload_that_was_put_together_and_never_gone_on_with_leaves_nothing(house: House, name: str) -> None:
    thread, _ = await killed_when_put_together(house, name)
    await all_adds_up(house)
    assert await shown(house, thread) == {}


async def begun(house: House) -> tuple[Json, Sender]:
    thread = await house.opened_thread()
    return thread, Sender(house, await create(house.people[0], thread, len(CONTENT)))


async def killed_when_put_together(house: House, name: str) -> tuple[Json, Sender]:
    """All of its bytes are one object, which no file names yet."""
    thread, sender = await begun(house)
    sender.goes_on.set()
    async with new_files_held(house):
        answer = asyncio.create_task(sender.answer())
        await a_change_is_held(house, by="atrium_attachments")
        house.programs[name].kill()
        assert await answer in (NO_ANSWER, UNAVAILABLE)
    await house.mend()
    return thread, sender


async def is_finished_by_its_sender(house: House, thread: Json, sender: Sender) -> None:
    """As soon as nobody can be putting it together any more."""
    installed_clamd()
    person = house.people[0]
    assert await offset_of(person, sender.path) == PART
    assert refusal(await patch(person, sender.path, PART, CONTENT[PART:])) == BEING_FINISHED
    async with house.database() as admin:
        its_time_is_over = "UPDATE attachments.resumable_uploads SET finishing_until = now() WHERE id = $1"
        await admin.execute(its_time_is_over, id_of(sender.path))
    await resumed(person, sender.path, CONTENT)
    (file,) = (await shown(house, thread)).values()
    assert file["id"] == str(id_of(sender.path))
    await becomes(house, file, "clean")
    assert (await read(house, file)).content == CONTENT
    await all_adds_up(house)
