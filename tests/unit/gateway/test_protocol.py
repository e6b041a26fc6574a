"""Requests whose head is no request, too large, or too slow."""

import asyncio
import json
import time

import pytest

from services.gateway import protocol
from tests.unit.gateway.neighbours import Running


async def exchange(running: Running, *parts: bytes, within: float = 5) -> tuple[int, dict[str, object]]:
    """What comes back for raw bytes: the status and the problem."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
        head, _, body = (await asyncio.wait_for(reader.read(), within)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    return int(head.split(b" ", 2)[1]), json.loads(body)


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: minus\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_malformed(running: Running, raw: bytes) -> None:
    status, problem = await exchange(running, raw)
    assert (status, problem["code"], bool(problem["requestId"])) == (400, "request_is_malformed", True)


async def test_a_head_without_end_is_too_large(running: Running) -> None:
    status, problem = await exchange(running, b"GET / HTTP/1.1\r\nX: ", *[b"x" * 8_192] * 5)
    assert (status, problem["code"]) == (431, "headers_are_too_large")


async def test_a_head_after_a_body_that_nobody_read_is_bounded_too(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    writer.write(b"POST /api/collab/threads HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 401 ")
    writer.write(b"dyGET / HTTP/1.1\r\nX: ")
    for _ in range(6):
        writer.write(b"x" * 8_192)
        await asyncio.sleep(0.02)
    assert b"HTTP/1.1 431 " in await asyncio.wait_for(reader.read(), 5)
    writer.close()


async def test_too_many_headers_are_too_large(running: Running) -> None:
    lines = b"".join(b"X-%d: x\r\n" % number for number in range(101))
    status, problem = await exchange(running, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
    assert (status, problem["code"]) == (431, "headers_are_too_large")


async def test_a_head_that_does_not_come_is_given_up(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    writer.write(b"GET /healthz HTTP/1.1\r\nHost:")
    before = time.monotonic()
    assert await asyncio.wait_for(reader.read(), protocol.SECONDS + 3) == b""
    assert protocol.SECONDS - 1 < time.monotonic() - before < protocol.SECONDS + 2
    writer.close()


async def test_one_connection_takes_one_request_after_another(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
    for _ in range(3):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(11) == b'{"ok":true}'
    writer.close()
