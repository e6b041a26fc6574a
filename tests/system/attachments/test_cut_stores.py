"""The connection to the S3 server is cut, by a proxy before it: people are told in time, nothing half done stays, and all goes on."""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx2
import pytest
import pytest_asyncio

from tests.proxies import Proxy, after, naming
from tests.samples import noise
from tests.stores import S3Server
from tests.system.attachments.files import FORM, Room, Sent, attachments_of, form, room_in, sha256
from tests.system.attachments.test_broken_uploads import nothing_is_left
from tests.system.house import House, running_gateway
from tests.system.people import expect, refusal

MEBIBYTE = 1024 * 1024
LARGE = noise(12 * MEBIBYTE)  # three parts


class Cut(NamedTuple):
    """A gateway whose way to the bucket leads through a proxy; attachments has its own. It takes more than attachments does."""

    room: Room
    proxy: Proxy
    url: str

    async def send(self, content: bytes) -> httpx2.Response:
        headers = {**self.room.client.bearer, **FORM}
        path = self.url + attachments_of(self.room.thread)
        return await self.room.client.http.post(path, content=form(Sent(content)), headers=headers, timeout=60)

    async def get(self, path: str) -> httpx2.Response:
        return await self.room.client.http.get(self.url + path, headers=self.room.client.bearer, timeout=60)


@pytest_asyncio.fixture(loop_scope="session")
async def cut(over_s3: House, s3: S3Server) -> AsyncIterator[Cut]:
    proxy = Proxy(s3.endpoint)
    await proxy.start()
    through = {**over_s3.store, "s3_endpoint": proxy.url, "attachment_limit": 20 * MEBIBYTE, "uploads_per_minute": 0}
    async with running_gateway(over_s3.servers, None, None, **through) as url:
        yield Cut(await room_in(over_s3), proxy, url)
    await proxy.stop()


@pytest.mark.parametrize("at", [0, 1_000, 3 * MEBIBYTE, 8 * MEBIBYTE, len(LARGE) - 1])
async def test_an_upload_whose_store_is_cut_off_is_told_and_leaves_nothing(cut: Cut, at: int) -> None:
    before = await cut.room.kept()
    cut.proxy.cut_when = after(at)
    async with asyncio.timeout(40):
        assert refusal(await cut.send(LARGE)) == (503, "store_is_away")
    assert cut.proxy.cuts > 0
    await nothing_is_left(cut.room, before)
    cut.proxy.cut_when = None
    made = expect(await cut.send(LARGE[:MEBIBYTE]), 201)
    assert made["sha256"] == sha256(LARGE[:MEBIBYTE])


@pytest.mark.parametrize("what", [b"partNumber=1", b"partNumber=3", b"<CompleteMultipartUpload", b"uploads="])
async def test_an_answer_of_the_store_that_is_lost_leaves_nothing_half_done(cut: Cut, what: bytes) -> None:
    """Attachments takes no file as large as this one: what comes through is refused at the end."""
    before = await cut.room.kept()
    cut.proxy.lose_when = naming(what)
    async with asyncio.timeout(40):
        assert refusal(await cut.send(LARGE)) in {(503, "store_is_away"), (413, "file_is_too_large")}
    assert cut.proxy.cuts > 0
    await nothing_is_left(cut.room, before)


async def test_a_connection_that_breaks_once_is_not_noticed(cut: Cut) -> None:
    await cut.send(b"hello")
    cut.proxy.cut()
    made = expect(await cut.send(LARGE[:MEBIBYTE]), 201)
    assert made["sha256"] == sha256(LARGE[:MEBIBYTE])


async def test_a_download_whose_store_is_cut_off_breaks_off_and_can_be_done_again(cut: Cut) -> None:
    content = LARGE[: 4 * MEBIBYTE]
    made = await cut.room.clean(Sent(content))
    cut.proxy.cut_answer_when = after(MEBIBYTE)
    taken = bytearray()
    async with cut.room.client.http.stream("GET", cut.url + made["url"], headers=cut.room.client.bearer, timeout=60) as answer:

        async def read_on() -> None:
            async for chunk in answer.aiter_bytes():
                taken.extend(chunk)

        with pytest.raises(httpx2.RemoteProtocolError):
            await read_on()
    assert 0 < len(taken) < len(content)
    assert taken == content[: len(taken)]
    assert refusal(await cut.get(made["url"])) == (503, "store_is_away")
    cut.proxy.cut_answer_when = None
    assert (await cut.get(made["url"])).content == content
