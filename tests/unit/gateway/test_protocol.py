"""Requests as they come from the network: heads that are no request, too large, or too slow; and bodies of any size."""

import asyncio
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send

from services.gateway import protocol
from services.gateway.large_reads import MOST
from services.gateway.protocol import BoundedProtocol
from shared.http_server import HttpServer
from tests.unit.gateway.neighbours import Running

OK = b"HTTP/1.1 200 "


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


async def _told_back(scope: Scope, receive: Receive, send: Send) -> None:
    """The SHA-256 of a body, and its largest piece."""
    digest, largest, more = hashlib.sha256(), 0, True
    while more:
        message = await receive()
        digest.update(message["body"])
        largest, more = max(largest, len(message["body"])), message["more_body"]
    answer = f"{digest.hexdigest()} {largest}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(answer)).encode())]})
    await send({"type": "http.response.body", "body": answer})


@pytest_asyncio.fixture
async def told_back() -> AsyncIterator[int]:
    """The port of a server that tells what came."""
    server = HttpServer(_told_back, "127.0.0.1", 0, setting="", protocol=BoundedProtocol)  # type: ignore[arg-type]
    await server.start()
    yield int(server.url.rpartition(":")[2])
    await server.stop()


def posted(content: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)


def in_chunks(content: bytes, size: int) -> bytes:
    chunks = (content[begin : begin + size] for begin in range(0, len(content), size))
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % coded


async def answered(reader: asyncio.StreamReader) -> tuple[str, int]:
    """The digest of the body that came, and the size of its largest piece."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert head.startswith(OK)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    digest, _, largest = (await reader.readexactly(length)).decode().partition(" ")
    return digest, int(largest)


async def test_bodies_of_all_sizes_come_whole_one_after_the_other_and_all_at_once(told_back: int) -> None:
    around = (0, 1, protocol.LARGE_BODY - 1, protocol.LARGE_BODY, MOST, MOST + 1, 3 * MOST + 7, 10)
    contents = [os.urandom(size) for size in around]
    expected = [hashlib.sha256(content).hexdigest() for content in contents]
    requests = [posted(content) for content in contents]
    requests += [in_chunks(content, 100_000) for content in contents]
    requests += [in_chunks(content[:100_000], 3) for content in contents]
    expected = [*expected, *expected, *(hashlib.sha256(content[:100_000]).hexdigest() for content in contents)]
    reader, writer = await asyncio.open_connection("127.0.0.1", told_back)
    for request, digest in zip(requests, expected, strict=True):
        writer.write(request)
        assert (await answered(reader))[0] == digest
    writer.write(b"".join(requests))
    assert [(await answered(reader))[0] for _ in requests] == expected
    writer.close()


async def test_a_large_body_is_read_by_much_at_a_time_and_held_by_little(told_back: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", told_back)
    writer.write(posted(bytes(40 * MOST)))
    _, largest = await answered(reader)
    assert 128 * 1024 < largest <= 2 * MOST
    writer.close()


async def test_whoever_leaves_in_the_middle_of_a_large_body_is_gone(told_back: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", told_back)
    writer.write(posted(bytes(2 * MOST))[:-1])
    await writer.drain()
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", told_back)
    writer.write(posted(b"next"))
    assert (await answered(reader))[0] == hashlib.sha256(b"next").hexdigest()
    writer.close()
