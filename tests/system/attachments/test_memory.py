"""What passes through is never held: a gateway's memory stays flat, whatever the size of files and however many come at once."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from tests.processes import HOST, RAISED_LIMITS, AtriumProcess, free_port
from tests.system.attachments.files import BOUNDARY, FORM, Room, attachments_of, room_in
from tests.system.attachments.tus import create, patch
from tests.system.house import running_house
from tests.system.people import expect, refusal

MIB = 1024 * 1024
PIECE = os.urandom(MIB)


async def form_of(mebibytes: int) -> AsyncIterator[bytes]:
    yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n\r\n'.encode()
    for _ in range(mebibytes):
        yield PIECE
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


@asynccontextmanager
async def most_of(process: psutil.Process) -> AsyncIterator[list[int]]:
    """The most memory that it has meanwhile, in bytes; there once it is over."""
    most = [process.memory_info().rss]

    async def look() -> None:
        while True:
            most[0] = max(most[0], process.memory_info().rss)
            await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    try:
        yield most
    finally:
        looking.cancel()


@pytest.mark.parametrize(("files", "mebibytes"), [(1, 200), (8, 25), (60, 6)])
async def test_a_gateways_memory_is_flat_while_files_pass(room: Room, files: int, mebibytes: int) -> None:
    servers, port = room.house.servers, free_port()
    settings = {
        **servers.environment,
        **RAISED_LIMITS,
        **{f"ATRIUM_{name.upper()}": value for name, value in room.house.store.items()},
        "ATRIUM_PORT": str(port),
        "ATRIUM_ATTACHMENT_LIMIT": str(250 * MIB),
        "ATRIUM_UPLOAD_MEMORY": str(48 * MIB),
    }
    gateway = AtriumProcess(["gateway"], settings, servers.data, f"gateway-{files}")
    await gateway.start()
    try:
        url, http = f"http://{HOST}:{port}", room.client.http
        headers = {**room.client.bearer, **FORM}
        path = url + attachments_of(room.thread)
        expect(await http.post(path, content=form_of(4), headers=headers, timeout=60), 201)
        process = psutil.Process(gateway.process.pid)
        before = process.memory_info().rss
        async with most_of(process) as most:
            answers = await asyncio.gather(
                *(http.post(path, content=form_of(mebibytes), headers=headers, timeout=100) for _ in range(files))
            )
        refused = {refusal(answer) for answer in answers}
        assert refused == {(413, "file_is_too_large")}, "all of it came, and attachments, which was told another limit, takes none of it"
        assert most[0] - before < 32 * MIB
    finally:
        await gateway.stop()


async def test_a_gateways_memory_is_flat_while_parts_come_and_are_put_together() -> None:
    limit = 120 * MIB
    async with running_house({"attachment_limit": str(limit)}) as house:
        room, port = await room_in(house), free_port()
        settings = {**house.servers.environment, **RAISED_LIMITS, "ATRIUM_PORT": str(port), "ATRIUM_ATTACHMENT_LIMIT": str(limit)}
        gateway = AtriumProcess(["gateway"], settings, house.servers.data, "gateway-parts")
        await gateway.start()
        try:
            url, person = f"http://{HOST}:{port}", room.client
            small = await create(person, room.thread, 5 * MIB, url=url)
            expect(await patch(person, small, 0, b"x" * 5 * MIB, url=url), 204)
            process = psutil.Process(gateway.process.pid)
            before = process.memory_info().rss
            paths = [await create(person, room.thread, limit, url=url) for _ in range(2)]
            async with most_of(process) as most:
                answers = await asyncio.gather(*(patch(person, path, 0, mebibytes(120), url=url, timeout=100) for path in paths))
            assert {answer.status_code for answer in answers} == {204}
            assert most[0] - before < 32 * MIB
        finally:
            await gateway.stop()


async def mebibytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield PIECE
