"""Whatever fails, an upload is never complete without its attachment, and goes on from what is there."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from services.gateway.resuming import PART
from shared.store.local import FolderStore
from shared.store.store import Store, StoreIsAway, StoreIsFull
from tests.processes import HOST, RAISED_LIMITS, ForkedAtrium, free_port
from tests.system.attachments.files import Room, sha256
from tests.system.attachments.tus import (
    UPLOADS,
    bytes_of,
    content_of,
    create,
    creating,
    finished,
    kept,
    leaves,
    offset_of,
    patch,
    raw,
    reached,
)
from tests.system.house import running_gateway
from tests.system.people import refusal


class Flaky(FolderStore):
    """Fails in the write that has this number, before its first byte, in its middle, or when all is there; and in reads, if asked to."""

    def __init__(self, folder: Path, error: Exception, *, write: int, after: int = 0, reads: bool = False) -> None:
        super().__init__(folder)
        self._error, self._write, self._after, self._reads, self._writes = error, write, after, reads, 0

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> str:
        self._writes += 1
        return await super().write(key, self._failing(chunks) if self._writes == self._write else chunks)

    async def read(self, key: str, begin: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in super().read(key, begin, end):
            yield chunk
            if self._reads:
                raise self._error

    async def _failing(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        taken = 0
        async for chunk in chunks:
            if taken == self._after:
                raise self._error
            yield chunk
            taken += 1
        raise self._error


FAILURES = [(StoreIsAway(), 503, "store_is_away"), (StoreIsFull(), 507, "store_is_full")]


@pytest.mark.parametrize(("error", "status", "code"), FAILURES, ids=["away", "full"])
@pytest.mark.parametrize(("write", "counts"), [(1, 0), (2, PART), (3, PART)], ids=["first part", "last part", "whole"])
@pytest.mark.parametrize("after", [0, 2, 1_000], ids=["at once", "in the middle", "at the end"])
async def test_whatever_write_fails_the_upload_goes_on(
    folder_room: Room, error: Exception, status: int, code: str, write: int, counts: int, after: int
) -> None:
    content, servers = content_of(5), folder_room.house.servers
    before, path = await kept(folder_room), await create(folder_room.client, folder_room.thread, len(content))
    flaky = Flaky(servers.data / "store", error, write=write, after=after)
    async with running_gateway(servers, None, flaky) as url:
        assert refusal(await patch(folder_room.client, path, 0, content, url=url)) == (status, code)
        offset = await offset_of(folder_room.client, path)
        assert offset == counts
        assert await folder_room.listed(folder_room.client) == []
        answer = await patch(folder_room.client, path, offset, content[offset:], url=url)
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(len(content)))
    (made,) = await folder_room.listed(folder_room.client)
    assert (made["sha256"], await bytes_of(folder_room, made)) == (sha256(content), content)
    await leaves(folder_room, (before[0] + 1, before[1] + 1))


async def test_parts_that_cannot_be_read_leave_an_upload_that_goes_on(folder_room: Room) -> None:
    content, servers = content_of(5), folder_room.house.servers
    path = await create(folder_room.client, folder_room.thread, len(content))
    flaky: Store = Flaky(servers.data / "store", StoreIsAway(), write=-1, reads=True)
    async with running_gateway(servers, None, flaky) as url:
        assert refusal(await patch(folder_room.client, path, 0, content, url=url)) == (503, "store_is_away")
    offset = await offset_of(folder_room.client, path)
    assert offset < len(content)
    assert (await finished(folder_room.client, path, content, begin=offset))["sha256"] == sha256(content)


async def test_an_upload_of_no_bytes_that_cannot_be_stored_is_none(folder_room: Room) -> None:
    servers, client, before = folder_room.house.servers, folder_room.client, await kept(folder_room)
    async with running_gateway(servers, None, Flaky(servers.data / "store", StoreIsAway(), write=1)) as url:
        answer = await client.http.post(url + UPLOADS, headers={**client.bearer, **creating(folder_room.thread["id"], 0)})
        assert refusal(answer) == (503, "store_is_away")
    begun = "SELECT count(*) FROM attachments.resumable_uploads WHERE thread_id = $1"
    assert await folder_room.house.database.fetchval(begun, UUID(folder_room.thread["id"])) == 0
    await leaves(folder_room, before)


async def test_a_gateway_that_is_killed_costs_one_part_at_most(folder_room: Room) -> None:
    content, servers, port = content_of(5), folder_room.house.servers, free_port()
    settings = {**servers.environment, **RAISED_LIMITS, "ATRIUM_PORT": str(port)}
    gateway = ForkedAtrium(["gateway"], settings, servers.data, "gateway-killed")
    await gateway.start()
    path = await create(folder_room.client, folder_room.thread, len(content))
    _, writer = await asyncio.open_connection(HOST, port)
    writer.write(raw(folder_room, path, 0, f"Content-Length: {len(content)}") + content[: PART + 500_000])
    await reached(folder_room, path, PART)
    gateway.kill()
    writer.close()
    offset = await offset_of(folder_room.client, path)
    made = await finished(folder_room.client, path, content, begin=offset)
    assert await bytes_of(folder_room, made) == content
