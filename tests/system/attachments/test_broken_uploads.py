"""Uploads that end before they are whole, by whoever's fault: nothing of them stays, and their sender is told what can be told."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from shared.store.local import FolderStore
from shared.store.store import StoreIsAway, StoreIsFull
from tests.samples import noise
from tests.system.abuse.test_connections import connected
from tests.system.attachments.files import FORM, Room, Sent, attachments_of, form, sha256
from tests.system.house import running_gateway
from tests.system.people import expect, refusal

BIG = 4 * 1024 * 1024


def head(room: Room, *lines: str) -> bytes:
    """The head of an upload, as a client of its own sends it."""
    first = f"POST {attachments_of(room.thread)} HTTP/1.1"
    usual = ("Host: a", f"Authorization: {room.client.bearer['authorization']}", f"Content-Type: {FORM['content-type']}")
    return "\r\n".join([first, *usual, *lines, "", ""]).encode()


async def nothing_is_left(room: Room, before: tuple[int, int]) -> None:
    """Once the gateway has noticed."""
    async with asyncio.timeout(10):
        while await room.kept() != before:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
async def test_a_client_that_vanishes_leaves_nothing(room: Room, part: float) -> None:
    body, before = form(Sent(), Sent(noise(BIG))), await room.kept()
    _, writer = await connected(room.house)
    writer.write(head(room, f"Content-Length: {len(body)}") + body[: int(len(body) * part)])
    await writer.drain()
    async with asyncio.timeout(10):
        while await room.kept() == before:
            await asyncio.sleep(0.01)
    writer.transport.abort()
    await nothing_is_left(room, before)


async def test_a_body_longer_than_it_says_it_is_is_cut_there(room: Room) -> None:
    body, before = form(Sent(b"x" * 1_000)), await room.kept()
    reader, writer = await connected(room.house)
    writer.write(head(room, f"Content-Length: {len(body) - 500}") + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    writer.close()
    await nothing_is_left(room, before)


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(folder_room: Room) -> None:
    reader, writer = await connected(folder_room.house)
    writer.write(head(folder_room, "Content-Length: 1000000000000", "Expect: 100-continue"))
    answer = await reader.readuntil(b"}")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"body_is_too_large"' in answer
    writer.close()


async def test_a_body_that_says_no_length_is_taken_as_it_comes(room: Room) -> None:
    content = noise(BIG)

    async def pieces() -> AsyncIterator[bytes]:
        body = form(Sent(content))
        for begin in range(0, len(body), 10_007):
            yield body[begin : begin + 10_007]

    answer = await room.client.http.post(attachments_of(room.thread), content=pieces(), headers={**room.client.bearer, **FORM})
    assert expect(answer, 201)["sha256"] == sha256(content)


async def test_a_form_that_comes_byte_by_byte_is_read(folder_room: Room) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in form(Sent(b"--a-boundary\r\n--\r\n\r\n-", "slow.txt")):
            yield bytes([byte])

    headers = {**folder_room.client.bearer, **FORM}
    answer = await folder_room.client.http.post(attachments_of(folder_room.thread), content=pieces(), headers=headers)
    assert expect(answer, 201)["sha256"] == sha256(b"--a-boundary\r\n--\r\n\r\n-")


async def test_whoever_sends_too_much_gets_to_read_that(folder_room: Room) -> None:
    """A connection that is closed on what is still coming would take the answer with it."""
    body = form(Sent(noise(40 * 1024 * 1024)))
    for _ in range(3):
        answer = await folder_room.client.http.post(
            attachments_of(folder_room.thread), content=body, headers={**folder_room.client.bearer, **FORM}
        )
        assert refusal(answer) == (413, "file_is_too_large")


class Failing(FolderStore):
    """Writes that fail after so many pieces, and reads after so many."""

    def __init__(self, folder: Path, error: Exception, *, writes: int = 1_000, reads: int = 1_000) -> None:
        super().__init__(folder)
        self._error, self._writes, self._reads = error, writes, reads

    async def write(self, key: str, chunks: AsyncIterable[bytes]) -> str:
        return await super().write(key, self._until(chunks, self._writes))

    async def read(self, key: str, begin: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in self._until(super().read(key, begin, end), self._reads):
            yield chunk

    async def _until(self, chunks: AsyncIterable[bytes], most: int) -> AsyncIterator[bytes]:
        taken = 0
        async for chunk in chunks:
            if taken == most:
                raise self._error
            yield chunk
            taken += 1


FAILURES = [(StoreIsAway(), 503, "store_is_away"), (StoreIsFull(), 507, "store_is_full")]


@pytest.mark.parametrize(("error", "status", "code"), FAILURES, ids=["away", "full"])
@pytest.mark.parametrize("writes", [0, 2])
async def test_a_store_that_fails_is_told_and_leaves_nothing(
    folder_room: Room, error: Exception, status: int, code: str, writes: int
) -> None:
    before, servers = await folder_room.kept(), folder_room.house.servers
    failing = Failing(servers.data / "store", error, writes=writes)
    async with running_gateway(servers, None, failing, uploads_per_minute=0) as url:
        body = form(Sent(noise(BIG)))
        answer = await folder_room.client.http.post(
            url + attachments_of(folder_room.thread), content=body, headers={**folder_room.client.bearer, **FORM}
        )
        assert refusal(answer) == (status, code)
    await nothing_is_left(folder_room, before)


async def test_a_store_that_fails_before_the_first_byte_is_told(folder_room: Room) -> None:
    made = await folder_room.clean(Sent(noise(BIG)))
    failing = Failing(folder_room.house.servers.data / "store", StoreIsAway(), reads=0)
    async with running_gateway(folder_room.house.servers, None, failing) as url:
        answer = await folder_room.client.http.get(url + made["url"], headers=folder_room.client.bearer)
        assert refusal(answer) == (503, "store_is_away")


async def test_a_store_that_fails_in_the_middle_breaks_the_download_off(folder_room: Room) -> None:
    made = await folder_room.clean(Sent(noise(BIG)))
    failing = Failing(folder_room.house.servers.data / "store", StoreIsAway(), reads=2)
    async with running_gateway(folder_room.house.servers, None, failing) as url:
        with pytest.raises(httpx2.RemoteProtocolError):
            await folder_room.client.http.get(url + made["url"], headers=folder_room.client.bearer)


async def test_a_client_that_leaves_in_the_middle_of_a_download_stops_it(folder_room: Room) -> None:
    made = await folder_room.clean(Sent(noise(BIG)))
    async with folder_room.client.http.stream("GET", made["url"], headers=folder_room.client.bearer) as answer:
        async for _ in answer.aiter_bytes(1_000):
            break
    assert (await folder_room.client.get(made["url"])).status_code == 200


async def test_uploads_are_counted_by_their_files(folder_room: Room) -> None:
    async with running_gateway(folder_room.house.servers, None, None, uploads_per_minute=10) as url:
        headers = {**folder_room.client.bearer, **FORM}
        path = url + attachments_of(folder_room.thread)
        first = await folder_room.client.http.post(path, content=form(*[Sent()] * 9), headers=headers)
        assert (first.status_code, first.headers["ratelimit"].split(";")[:2]) == (201, ['"uploads"', "r=1"])
        before = await folder_room.kept()
        over = await folder_room.client.http.post(path, content=form(Sent(), Sent()), headers=headers)
        assert refusal(over) == (429, "rate_limit_is_reached")
        assert int(over.headers["retry-after"]) >= 1
        await nothing_is_left(folder_room, before)
        assert (await folder_room.client.http.get(path, headers=headers)).status_code == 200


async def test_a_client_that_sends_slowly_for_ever_is_told_so_and_leaves_nothing(folder_room: Room) -> None:
    before = await folder_room.kept()

    async def go_on_sending(writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(0.05)
            writer.write(b"x")

    async with running_gateway(folder_room.house.servers, None, None, upload_timeout=0.5, uploads_per_minute=0) as url:
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(head(folder_room, "Content-Length: 1000000") + form(Sent())[:-40])
        sending = asyncio.create_task(go_on_sending(writer))
        answer = await reader.readuntil(b"}")
        sending.cancel()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"body_is_too_slow"' in answer
    await nothing_is_left(folder_room, before)


async def test_who_sends_more_at_once_than_a_gateway_holds_waits_unread_and_keeps_out_nobody_else(folder_room: Room) -> None:
    """A user has half of the memory, which are eight large files of this gateway's."""
    before, thread = await folder_room.kept(), attachments_of(folder_room.thread)
    own, others = ({**person.bearer, **FORM} for person in (folder_room.client, folder_room.agent))
    half_sent = head(folder_room, f"Content-Length: {BIG}") + form(Sent(noise(BIG)))[: BIG // 2]
    async with running_gateway(folder_room.house.servers, None, None, upload_memory=32 * 1024 * 1024, uploads_per_minute=0) as url:
        address, http = urlsplit(url), folder_room.client.http
        writers = [(await asyncio.open_connection(address.hostname, address.port))[1] for _ in range(8)]
        for writer in writers:
            writer.write(half_sent)
        async with asyncio.timeout(10):
            while await folder_room.kept() != (before[0] + 8, before[1] + 8):
                await asyncio.sleep(0.01)
        waiting = asyncio.create_task(http.post(url + thread, content=form(Sent(noise(BIG))), headers=own, timeout=30))
        expect(await http.post(url + thread, content=form(Sent(noise(BIG))), headers=others, timeout=30), 201)
        assert not waiting.done()
        for writer in writers:
            writer.transport.abort()
        expect(await waiting, 201)
    await nothing_is_left(folder_room, (before[0] + 2, before[1] + 2))
