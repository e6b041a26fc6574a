"""Uploads that break in the middle go on from what is there."""

import asyncio
import hashlib
from base64 import b64encode

import pytest

from services.gateway.resuming import PART
from tests.system.abuse.test_connections import connected
from tests.system.attachments.files import Room, sha256
from tests.system.attachments.tus import (
    broken,
    bytes_of,
    content_of,
    create,
    due_now,
    end,
    finished,
    head,
    id_of,
    kept,
    leaves,
    offset_of,
    patch,
    raw,
    reached,
    resumed,
)

LIMIT = 5 * 1024 * 1024


@pytest.mark.parametrize("part", [1_000_000, PART - 1, PART + 1])
async def test_what_came_before_a_connection_broke_is_kept(room: Room, part: int) -> None:
    """But for what the server had in its hands."""
    content = content_of(5)
    before, path = await kept(room), await create(room.client, room.thread, len(content))
    await broken(room, path, 0, len(content), content[:part])
    offset = await reached(room, path, part - 512 * 1024)
    assert offset <= part
    await resumed(room.client, path, content)
    (made,) = await room.listed(room.client)
    assert (made["sha256"], await bytes_of(room, made)) == (sha256(content), content)
    await leaves(room, (before[0] + 1, before[1] + 1))


async def test_what_is_there_counts_while_the_rest_still_comes(room: Room) -> None:
    """Whoever has lost a connection of which nobody has told us goes on from there, and takes its place."""
    content = content_of(5)
    path = await create(room.client, room.thread, len(content))
    reader, writer = await connected(room.house)
    writer.write(raw(room, path, 0, f"Content-Length: {len(content)}") + content[: PART + 100_000])
    offset = await reached(room, path, PART)
    made = await finished(room.client, path, content, begin=offset)
    assert made["sha256"] == sha256(content)
    writer.write(content[PART + 100_000 :])
    assert (await reader.readline()).startswith(b"HTTP/1.1 409 ")
    writer.close()
    assert await bytes_of(room, made) == content


async def test_nothing_of_a_body_with_a_checksum_is_kept_unless_all_of_it_came(room: Room) -> None:
    content = content_of(5)
    path, before = await create(room.client, room.thread, len(content)), await kept(room)
    said = f"Upload-Checksum: sha256 {b64encode(hashlib.sha256(content).digest()).decode()}"
    _, writer = await connected(room.house)
    writer.write(raw(room, path, 0, f"Content-Length: {len(content)}", said) + content[:-1])
    async with asyncio.timeout(10):
        while await room.kept() == before:
            await asyncio.sleep(0.01)
    writer.transport.abort()
    await leaves(room, before)
    assert await offset_of(room.client, path) == 0


async def test_of_several_that_send_at_once_one_gets_through(room: Room) -> None:
    contents = [bytes([number]) * LIMIT for number in range(4)]
    before = await kept(room)
    path = await create(room.client, room.thread, LIMIT)
    answers = await asyncio.gather(*(patch(room.client, path, 0, content) for content in contents))
    assert {answer.status_code for answer in answers} <= {204, 409}
    last = await offset_of(room.client, path)
    if last < LIMIT:
        await patch(room.client, path, last, contents[0][last:])
    (made,) = await room.listed(room.client)
    assert made["sha256"] == sha256(await bytes_of(room, made))
    assert sum(answer.status_code == 204 for answer in answers) <= 1
    await leaves(room, (before[0] + 1, before[1] + 1))


async def test_two_that_finish_at_once_make_one_file_of_what_one_of_them_sent(room: Room) -> None:
    for _ in range(5):
        path = await create(room.client, room.thread, 1_000)
        contents = [bytes([number]) * 1_000 for number in range(6)]
        answers = await asyncio.gather(*(patch(room.client, path, 0, content) for content in contents))
        through = [content for content, answer in zip(contents, answers, strict=True) if answer.status_code == 204]
        assert len(through) == 1
        (made,) = [one for one in await room.listed(room.client) if one["id"] == str(id_of(path))]
        assert await bytes_of(room, made) == through[0]


async def test_an_upload_that_is_never_finished_leaves_nothing(room: Room) -> None:
    before = await kept(room)
    path = await create(room.client, room.thread, 10)
    for offset in range(3):
        await patch(room.client, path, offset, b"x")
    assert await kept(room) == (before[0] + 3, before[1] + 3)
    await due_now(room.house, path)
    await leaves(room, before)
    assert (await head(room.client, path)).status_code == 404


async def test_an_upload_that_ends_while_it_comes_leaves_nothing(room: Room) -> None:
    content = content_of(5)
    before = await kept(room)
    path = await create(room.client, room.thread, len(content))
    reader, writer = await connected(room.house)
    writer.write(raw(room, path, 0, f"Content-Length: {len(content)}") + content[: PART + 1_000])
    await reached(room, path, PART)
    assert (await end(room.client, path)).status_code == 204
    writer.write(content[PART + 1_000 :])
    assert (await reader.readline()).startswith(b"HTTP/1.1 404 ")
    writer.close()
    await leaves(room, before)
