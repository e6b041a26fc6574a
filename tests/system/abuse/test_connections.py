"""Connections that lie, dawdle or never end. Others are answered meanwhile, and nothing of one request reaches the next."""

import asyncio
import time
from urllib.parse import urlsplit

import pytest

from tests.system.house import House
from tests.system.people import Person, expect, messages_of

POST = "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\n"


async def connected(house: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(house.url)
    return await asyncio.open_connection(address.hostname, address.port)


async def told(house: House, raw: bytes, within: float = 5) -> bytes:
    """All that is answered until the connection is closed, by either."""
    reader, writer = await connected(house)
    writer.write(raw)
    answer = await heard(reader, within)
    writer.close()
    return answer


async def heard(reader: asyncio.StreamReader, within: float) -> bytes:
    """What came until the end. A connection that was reset, as something was still sent to it, takes nothing back of what came before."""
    answer = b""
    try:
        async with asyncio.timeout(within):
            while piece := await reader.read(65_536):
                answer += piece
    except (TimeoutError, ConnectionError):
        pass
    return answer


def head(person: Person, path: str) -> bytes:
    return POST.format(path=path, bearer=person.bearer["authorization"]).encode()


@pytest.mark.parametrize(
    "ways",
    [
        b"Content-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 15\r\n\r\n",
        b"Content-Length: 15\r\nContent-Length: 1\r\n\r\n",
        b"Content-Length: 15, 1\r\n\r\n",
        b"Content-Length: +15\r\n\r\n",
        b"Content-Length: 0x0f\r\n\r\n",
        b"Content-Length : 15\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n",
        b"Content-Length:\r\n 15\r\n\r\n",
    ],
)
async def test_a_request_whose_length_is_told_in_two_ways_posts_nothing(ways: bytes, house: House, client: Person) -> None:
    thread = await client.open()
    smuggled = head(client, messages_of(thread)) + b'Content-Length: 22\r\n\r\n{"content": "smuggled"}'
    answer = await told(house, head(client, messages_of(thread)) + ways + b'{"content":"x"}' + smuggled, within=1)
    assert b"HTTP/1.1 5" not in answer
    said = [message["content"] for message in (await client.page(thread))["messages"]]
    assert "smuggled" not in said


async def test_a_body_that_is_shorter_than_announced_is_given_up_and_posts_nothing(house: House, client: Person) -> None:
    thread = await client.open()
    reader, writer = await connected(house)
    writer.write(head(client, messages_of(thread)) + b'Content-Length: 1000\r\n\r\n{"content": "half"}')
    for _ in range(3):  # others are answered meanwhile
        expect(await client.get("/api/auth/me"), 200)
    writer.write_eof()
    async with asyncio.timeout(15):
        answer = await reader.read()
    writer.close()
    assert b"HTTP/1.1 2" not in answer
    assert b"HTTP/1.1 5" not in answer
    assert (await client.page(thread))["messages"] == []


async def test_a_body_that_drips_is_given_up(house: House, client: Person) -> None:
    """One byte at a time keeps no place for ever: the body has ten seconds in all."""
    thread = await client.open()
    connections = [await connected(house) for _ in range(20)]
    started = time.monotonic()
    for _, writer in connections:
        writer.write(head(client, messages_of(thread)) + b"Content-Length: 1000\r\n\r\n")

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        reading = asyncio.ensure_future(heard(reader, within=14))
        while not reading.done():
            writer.write(b" ")
            await asyncio.wait([reading], timeout=0.5)
        writer.close()
        return reading.result()

    dripping = [asyncio.ensure_future(drip(*connection)) for connection in connections]
    for _ in range(5):
        await client.say(thread, "Meanwhile")
    answers = await asyncio.gather(*dripping)
    assert time.monotonic() - started < 13
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)


async def test_headers_without_end_are_cut_off(house: House) -> None:
    reader, writer = await connected(house)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
    sent = 0
    try:
        while sent < 4_000_000 and not reader.at_eof():
            line = b"X-Endless: " + b"x" * 1_000 + b"\r\n"
            writer.write(line)
            await writer.drain()
            sent += len(line)
            await asyncio.sleep(0)
    except ConnectionError:
        pass
    assert sent < 1_000_000
    try:
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 431 ")
    except ConnectionError:
        pass  # closed on what was still coming
    writer.close()


@pytest.mark.parametrize(
    "line",
    [
        b"X: " + b"x" * 40_000,
        b"x" * 40_000 + b": x",
        b"\r\n".join(b"X-%d: x" % number for number in range(101)),
        b"\r\n".join(b"Cookie: a=%d" % number for number in range(2_000)),
        b"Authorization: Bearer " + b"a" * 33_000,
    ],
    ids=["long value", "long name", "many", "many cookies", "long token"],
)
async def test_too_many_or_too_long_headers_are_refused(line: bytes, house: House) -> None:
    answer = await told(house, b"GET /api/auth/me HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n", within=2)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "raw",
    [
        b"X-Request-Id: a\r\n b\r\n",
        b"X-Request-Id: a\x00b\r\n",
        b"X-Request-Id: a\rSet-Cookie: b\r\n",
        b"X-Request-Id: \xc3\xa9\r\n",
        b"X-Request-Id: <script>alert(1)</script>\r\n",
        b"X-Request-Id: " + b"a" * 300 + b"\r\n",
    ],
)
async def test_what_is_sent_in_a_head_adds_nothing_to_the_answer(raw: bytes, house: House) -> None:
    answer = await told(house, b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + raw + b"\r\n")
    if not answer:
        return
    top = answer.partition(b"\r\n\r\n")[0].lower()
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
    assert b"set-cookie" not in top
    assert b"\x00" not in top
    assert top.count(b"x-request-id:") == 1


async def test_many_connections_that_say_nothing_keep_nobody_out(house: House, client: Person) -> None:
    silent = [await connected(house) for _ in range(200)]
    expect(await client.get("/api/auth/me"), 200)
    for _, writer in silent:
        writer.close()
