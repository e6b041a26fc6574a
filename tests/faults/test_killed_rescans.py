"""kill -9 in the middle of a rescan: what one batch took is scanned, the rest is served as it was, and the command takes it up."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import pytest

from services.attachments.handlers.scans import BATCH
from shared.store.store import new_key
from tests.clamav import installed_clamd
from tests.faults.conftest import BOTH_STORES
from tests.faults.files import all_adds_up, becomes, read, told, uploaded
from tests.faults.holding import a_commit_is_held, a_file_held, a_file_is_waited_for, commits_unanswered
from tests.faults.house import House, eventually
from tests.system.people import Json, refusal

pytestmark = BOTH_STORES

LEFT = 101  # files that the first batch does not take
NO_ANSWER = (1, "atrium: The attachments service does not answer: is Atrium running? See `atrium doctor`.\n")

_COPIES = """
    INSERT INTO attachments.attachments (id, workspace_id, thread_id, filename, mime_type, size_bytes, sha256, storage_key, uploaded_by_id,
        uploaded_by_role, scan_status, signatures, scanned_at, previewed_at, version)
    SELECT uuidv7(), workspace_id, thread_id, filename, mime_type, size_bytes, sha256, key, uploaded_by_id,
        uploaded_by_role, scan_status, signatures, scanned_at, previewed_at, version
    FROM attachments.attachments, unnest($2::text[]) AS key WHERE id = $1"""


async def copied(house: House, file: Json, count: int) -> tuple[Json, Json]:
    """As if so many more had been found clean: rows alone, but for the first and the last in the table, which is how batches take them."""
    async with house.database() as admin:
        await admin.execute(_COPIES, UUID(file["id"]), [new_key("files") for _ in range(count)])
        key = await admin.fetchval("SELECT storage_key FROM attachments.attachments WHERE id = $1", UUID(file["id"]))
        query = "SELECT id, storage_key FROM attachments.attachments WHERE thread_id = $1 ORDER BY ctid"
        first, *_, last = await admin.fetch(query, UUID(file["threadId"]))
    for to in {first["storage_key"], last["storage_key"]} - {key}:
        await house.kept.store.copy(key, to)
    return _named(first["id"]), _named(last["id"])


def _named(attachment_id: UUID) -> Json:
    return {"id": str(attachment_id), "url": f"/api/collab/attachments/{attachment_id}"}


async def without_the_others(house: House, thread: Json, *files: Json) -> None:
    """To scan hundreds takes a minute."""
    ids = [UUID(file["id"]) for file in files]
    async with house.database() as admin:
        delete = "UPDATE attachments.attachments SET deleted_at = now() WHERE thread_id = $1 AND id <> ALL($2)"
        await admin.execute(delete, UUID(thread["id"]), ids)


async def statuses(house: House, thread: Json) -> Counter[str]:
    async with house.database() as admin:
        rows = await admin.fetch("SELECT scan_status FROM attachments.attachments WHERE thread_id = $1", UUID(thread["id"]))
    return Counter(row["scan_status"] for row in rows)


@asynccontextmanager
async def in_its_second_batch(house: House, last: Json) -> AsyncIterator[None]:
    async with a_file_held(house, UUID(last["id"])):
        yield
        await a_file_is_waited_for(house)
        house.programs["attachments"].kill()


@asynccontextmanager
async def before_its_first_batch_is_answered(house: House, last: Json) -> AsyncIterator[None]:
    await eventually(house.all_is_published, "no other commit comes between")
    async with commits_unanswered(house):
        yield
        await a_commit_is_held(house, "attachments_background")
        house.programs["attachments"].kill()


type Step = Callable[[House, Json], AbstractAsyncContextManager[None]]


@pytest.mark.parametrize("step", [in_its_second_batch, before_its_first_batch_is_answered])
async def test_a_rescan_whose_service_is_killed_is_taken_up_by_the_next_command(house: House, step: Step) -> None:
    installed_clamd()
    thread = await house.opened_thread()
    content = step.__name__.encode()
    file = await uploaded(house, thread, content)
    await becomes(house, file, "clean")
    first, last = await copied(house, file, BATCH + LEFT - 1)
    house.programs["clamd"].kill()
    await house.programs["attachments"].restart()  # one that knows of no clamd: what is taken waits
    async with step(house, last):
        asked = asyncio.create_task(house.atrium("scans", "rescan", file["id"]))
    assert await asked == NO_ANSWER
    await house.programs["attachments"].start()
    assert await statuses(house, thread) == {"clean": LEFT, "pending": BATCH}
    assert refusal(await read(house, first)) == (409, "attachment_is_not_clean")
    assert (await read(house, last)).content == content, "what was not taken is served as before"
    assert await house.atrium("scans", "rescan", file["id"]) == (0, f"{LEFT} files are scanned again.\n")
    await without_the_others(house, thread, first, last)
    await house.mend()
    for one in (first, last):
        await becomes(house, one, "clean")
        assert (await told(house, one))[-3:] == ["pending", "scanning", "clean"]
    await all_adds_up(house)
