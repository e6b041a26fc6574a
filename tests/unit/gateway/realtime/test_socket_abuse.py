"""Sockets that lie, flood, stall or never end: they alone are closed, with a code that says why, and nothing is kept for them."""

import asyncio
import json
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from services.gateway.protocol import LARGE_BODY
from tests.unit.gateway.neighbours import Running, running_gateway, token
from tests.unit.gateway.realtime.telling import Telling, live

FIN, RSV1 = 0x80, 0x40
TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
ASK = b'{"type":"ping","id":7}'
ANSWER = b'{"type":"pong","id":7}'


def wire(head: int, payload: bytes, *, masked: bool = True, length: int | None = None) -> bytes:
    """A client's frame, byte for byte."""
    size, mask = len(payload) if length is None else length, b"\x01\x02\x03\x04"
    bit = 0x80 if masked else 0
    told = bytes([bit | size]) if size < 126 else bytes([bit | 127]) + size.to_bytes(8)
    if 126 <= size < 65_536:
        told = bytes([bit | 126]) + size.to_bytes(2)
    body = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)) if masked else payload
    return bytes([head]) + told + (mask if masked else b"") + body


def whole(opcode: int, payload: bytes = b"") -> bytes:
    return wire(FIN | opcode, payload)


class Raw:
    """A socket without a library between."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def frame(self) -> tuple[int, bytes]:
        """The opcode and payload of the next one."""
        async with asyncio.timeout(5):
            head, size = await self.reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2))
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8))
            return head & 0x0F, await self.reader.readexactly(size)

    async def code(self) -> int:
        """Of the close frame, behind whatever else comes; the connection ends after it."""
        opcode, payload = await self.frame()
        while opcode != CLOSE:
            opcode, payload = await self.frame()
        return int.from_bytes(payload[:2]) if payload else 1005


@asynccontextmanager
async def raw(running: Running, extensions: str = "", *, after: bytes = b"") -> AsyncIterator[Raw]:
    """Signed in and ready. after: a body that was sent on the same connection before."""
    place = urlsplit(running.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    if after:
        writer.write(b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(after), after))
        answer = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    writer.write(
        f"GET /api/collab/ws HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token()}\r\n{extensions}\r\n".encode()
    )
    try:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        client = Raw(reader, writer)
        assert b"ready" in (await client.frame())[1]
        yield client
    finally:
        writer.close()


async def test_a_socket_opens_on_a_connection_that_had_a_large_body(running: Running) -> None:
    async with live(running), raw(running, after=bytes(LARGE_BODY)) as client:
        client.writer.write(whole(TEXT, ASK))
        assert await client.frame() == (TEXT, ANSWER)


GOOD = {
    "a text": [whole(TEXT, ASK)],
    "a text byte by byte": [bytes([byte]) for byte in whole(TEXT, ASK)],
    "in two fragments": [wire(TEXT, ASK[:5]), wire(FIN | CONT, ASK[5:])],
    "in empty fragments": [wire(TEXT, b""), wire(CONT, b""), wire(CONT, ASK), wire(FIN | CONT, b"")],
    "in fragments with a ping between": [wire(TEXT, ASK[:5]), whole(PING, b"between"), wire(FIN | CONT, ASK[5:])],
    "a character split over fragments": [
        wire(TEXT, '{"type":"ping","id":7,"é'.encode()[:-1]),
        wire(FIN | CONT, b'\xa9":1}'),
        whole(TEXT, ASK),
    ],
    "behind pongs that nobody asked for": [whole(PONG), whole(PONG, b"x" * 125), whole(TEXT, ASK)],
    "of extended length": [whole(TEXT, ASK + b" " * 300)],
    "of long length": [whole(TEXT, ASK + b" " * 70_000)],
}


@pytest.mark.parametrize("parts", GOOD.values(), ids=GOOD)
async def test_frames_are_taken_however_they_are_cut(running: Running, parts: list[bytes]) -> None:
    async with raw(running) as client:
        for part in parts:
            client.writer.write(part)
            await client.writer.drain()
        opcode, payload = await client.frame()
        while opcode == PONG or b"refused" in payload:
            opcode, payload = await client.frame()
        assert (opcode, payload) == (TEXT, ANSWER)


@pytest.mark.parametrize("payload", [b"", b"hello", bytes(range(125)), b"\xfe\xff\x00"])
async def test_a_ping_is_answered_with_its_payload(running: Running, payload: bytes) -> None:
    async with raw(running) as client:
        client.writer.write(whole(PING, payload))
        assert await client.frame() == (PONG, payload)


NO_CODES = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000)
NO_UTF8 = (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80", b"\xe1\xbd", b"\x80")
SQUEEZED: dict[str, str] = {"compression": "deflate"}

BAD: dict[str, tuple[bytes, int]] = {
    "not masked": (wire(FIN | TEXT, ASK, masked=False), 1002),
    **{f"reserved bit {bit:#x}": (wire(FIN | bit | TEXT, ASK), 1002) for bit in (0x40, 0x20, 0x10)},
    **{f"reserved opcode {code:#x}": (whole(code), 1002) for code in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)},
    "a continuation of nothing": (whole(CONT, b"x"), 1002),
    "a continuation of nothing that goes on": (wire(CONT, b"x"), 1002),
    "a new message within one": (wire(TEXT, b"x") + whole(TEXT, b"y"), 1002),
    "a continuation behind the end": (wire(TEXT, ASK) + wire(FIN | CONT, b"") + whole(CONT, b"x"), 1002),
    **{f"a fragmented control frame {code:#x}": (wire(code, b""), 1002) for code in (CLOSE, PING, PONG)},
    **{f"a long control frame {code:#x}": (whole(code, b"x" * 126), 1002) for code in (CLOSE, PING, PONG)},
    "a close within a message": (wire(TEXT, b"x") + whole(CLOSE, b"\x03\xe8"), 1002),
    "a close of one byte": (whole(CLOSE, b"\x03"), 1002),
    **{f"a close with code {code}": (whole(CLOSE, code.to_bytes(2)), 1002) for code in NO_CODES},
    "a close whose reason is no UTF-8": (whole(CLOSE, b"\x03\xe8\xce\xba\xe1\xbd\xb9\xed\xa0\x80"), 1007),
    **{
        f"no UTF-8 {index}": (whole(TEXT, b'{"type":"' + part + b'"}'), 1007)
        for index, part in enumerate(
            [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80", b"\xe1\xbd", b"\x80"]
        )
    },
    "no UTF-8 over fragments": (wire(TEXT, b'{"a":"\xce') + wire(FIN | CONT, b'x"}'), 1007),
    "binary": (whole(BINARY, ASK), 1003),
    "binary in fragments": (wire(BINARY, ASK[:4]) + wire(FIN | CONT, ASK[4:]), 1003),
    "no JSON": (whole(TEXT, b"hello"), 4400),
    "nothing": (whole(TEXT), 4400),
    "no object": (whole(TEXT, b"[1]"), 4400),
    "a key twice": (whole(TEXT, b'{"type":"ping","type":"ping"}'), 4400),
    "a bomb of brackets": (whole(TEXT, b'{"a":' * 5_000), 4400),
    "half a surrogate": (whole(TEXT, b'{"type":"\\ud800"}'), 4400),
    "too long": (whole(TEXT, b" " * 262_145), 4413),
    "said to be longer than can be": (wire(FIN | TEXT, b"", length=1 << 62), 4413),
    "too long in all its fragments": (wire(TEXT, b" " * 200_000) + wire(CONT, b" " * 60_000) + wire(FIN | CONT, b" " * 10_000), 4413),
}


@pytest.mark.parametrize(("sent", "code"), BAD.values(), ids=BAD)
async def test_what_is_no_frame_of_ours_closes_with_its_code(running: Running, hub: Telling, sent: bytes, code: int) -> None:
    async with raw(running) as client:
        client.writer.write(sent)
        assert await client.code() == code
        assert hub.connections == []


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 3999, 4000, 4999])
async def test_a_close_is_answered_with_its_code_and_ends(running: Running, code: int) -> None:
    async with raw(running) as client:
        client.writer.write(whole(CLOSE, code.to_bytes(2) + b"bye") + whole(TEXT, ASK))
        assert await client.frame() == (CLOSE, code.to_bytes(2) + b"bye")
        assert await client.reader.read() == b""


@pytest.mark.parametrize(
    ("first", "sent"),
    [(b"", whole(TEXT, ASK)), (b"", whole(PING)), (wire(TEXT, b""), wire(CONT, b""))],
    ids=["frames", "pings", "fragments"],
)
async def test_a_flood_closes_its_own_socket_alone(running: Running, first: bytes, sent: bytes) -> None:
    async with live(running) as other, raw(running) as client:
        client.writer.write(first)
        for _ in range(10):
            client.writer.write(sent * 100)
        assert await client.code() == 4429
        assert (await other.asks({"type": "ping"}))["type"] == "pong"


async def test_a_flood_of_bytes_closes_its_own_socket_alone(running: Running) -> None:
    async with live(running) as other, raw(running) as client:
        for _ in range(8):
            client.writer.write(whole(TEXT, ASK + b" " * 250_000))
        assert await client.code() == 4429
        assert (await other.asks({"type": "ping"}))["type"] == "pong"


async def test_a_peer_that_answers_no_ping_is_closed() -> None:
    async with running_gateway(hub=Telling(), bounds={"every": 0.3, "answer": 0.2}) as quick, raw(quick) as client:
        before = time.monotonic()
        assert await client.code() == 1011
        assert 0.4 < time.monotonic() - before < 3


async def test_a_peer_that_answers_pings_stays() -> None:
    async with running_gateway(hub=Telling(), bounds={"every": 0.2, "answer": 0.1}) as quick, live(quick) as client:
        for _ in range(4):
            assert (await client.hears())["type"] == "heartbeat"


async def test_a_close_that_is_not_answered_ends_all_the_same() -> None:
    async with running_gateway(hub=Telling(), bounds={"linger": 0.3}) as quick, raw(quick) as client:
        client.writer.write(whole(BINARY, b"x"))
        assert await client.code() == 1003
        async with asyncio.timeout(2):
            assert await client.reader.read() == b""


async def test_a_reader_that_stalls_is_closed_and_what_waits_for_it_is_bounded() -> None:
    hub, bound = Telling(), 200_000
    async with running_gateway(hub=hub, bounds={"unsent": bound, "linger": 0.5}) as quick, live(quick) as other, raw(quick) as client:
        (stalled,) = [one for one in hub.connections if one is not hub.connections[0]]
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        most = 0
        for _ in range(2_000):
            hub.happens({"content": "x" * 20_000})
            assert (await other.hears())["type"] == "messagePosted"
            most = max(most, stalled.carrier.unsent)
            if stalled not in hub.connections:
                break
        assert stalled not in hub.connections
        assert most < bound + 50_000
        async with asyncio.timeout(5):
            while stalled.carrier.unsent:
                await asyncio.sleep(0.05)
        assert stalled.carrier.closed_with == 4408  # type: ignore[attr-defined]


async def test_one_large_write_makes_nobody_slow(running: Running) -> None:
    hub = Telling()
    async with running_gateway(hub=hub, bounds={"unsent": 65_536}) as quick, live(quick, max_size=None) as client:
        hub.happens({"content": "x" * 10_000}, times=300)
        heard = [await client.hears() for _ in range(300)]
        assert len(heard) == 300


async def test_compression_is_off_unless_it_is_set(running: Running) -> None:
    async with live(running, compression="deflate") as client:
        assert client.socket.protocol.extensions == []


async def test_with_compression_the_same_comes_down() -> None:
    hub = Telling()
    async with (
        running_gateway(hub=hub, bounds={"compressed": True}) as squeezing,
        live(squeezing, compression="deflate") as one,
        live(squeezing, compression="deflate") as another,
        live(squeezing) as plain,
    ):
        assert one.socket.protocol.extensions
        hub.happens({"content": "again and " * 100}, times=3)
        for client in (one, another, plain):
            for _ in range(3):
                assert (await client.hears())["data"]["content"] == "again and " * 100
        assert (await one.asks({"type": "ping", "id": 1, "x": "y" * 500}))["code"] == "request_is_invalid"


async def test_who_wants_a_smaller_window_is_told_without_compression() -> None:
    offered = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n"
    async with running_gateway(hub=Telling(), bounds={"compressed": True}) as squeezing, raw(squeezing, offered) as client:
        client.writer.write(whole(TEXT, ASK))
        assert await client.frame() == (TEXT, ANSWER)


@pytest.mark.parametrize("size", [262_145, 50_000_000])
async def test_a_bomb_is_measured_once_it_is_inflated(size: int) -> None:
    deflate = zlib.compressobj(wbits=-12)
    bomb = (deflate.compress(b" " * size) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert len(bomb) < 60_000
    offered = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
    async with running_gateway(hub=Telling(), bounds={"compressed": True}) as squeezing, raw(squeezing, offered) as client:
        client.writer.write(wire(FIN | RSV1 | TEXT, bomb))
        assert await client.code() == 4413


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"426"),
        ("Sec-WebSocket-Version: 13\r\n", b"400"),
        ("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", b"400"),
    ],
)
async def test_a_handshake_that_is_none_is_refused_in_our_words(running: Running, lines: str, status: bytes) -> None:
    place = urlsplit(running.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(f"GET /api/collab/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{lines}\r\n".encode())
    head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    writer.close()
    assert head.split(b" ")[1] == status
    assert json.loads(body)["status"] == int(status)
