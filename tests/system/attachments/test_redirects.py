"""Downloads by the store itself, where the operator wants that and the store can."""

from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio

from tests.system.attachments.files import Room, Sent, put_into_a_message, room_in, scanned, with_a_preview
from tests.system.house import House, running_gateway
from tests.system.people import expect, refusal

CONTENT = b"0123456789"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


class Redirecting(NamedTuple):
    """A gateway over the bucket that sends clients there; a room of the house, and its address."""

    room: Room
    url: str

    async def get(self, path: str, *, method: str = "GET", **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.room.house.http.request(method, self.url + path, headers={**self.room.client.bearer, **named})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def redirecting(over_s3: House) -> AsyncIterator[Redirecting]:
    async with running_gateway(over_s3.servers, None, None, attachment_redirects=True, uploads_per_minute=0, **over_s3.store) as url:
        yield Redirecting(await room_in(over_s3), url)


async def followed(answer: httpx2.Response, **headers: str) -> httpx2.Response:
    """As somebody who has nothing but the address."""
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (307, b"", "no-store")
    async with httpx2.AsyncClient() as anybody:
        return await anybody.get(answer.headers["location"], headers=headers)


async def test_a_bucket_serves_a_file_by_an_address_for_a_minute(redirecting: Redirecting) -> None:
    made = await redirecting.room.clean(Sent(CONTENT, "Köln.txt"))
    answer = await redirecting.get(made["url"])
    got = await followed(answer)
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, CONTENT, "text/plain")
    assert got.headers["content-disposition"] == "attachment; filename=\"K_ln.txt\"; filename*=UTF-8''K%C3%B6ln.txt"
    assert got.headers["cache-control"] == "private, no-cache"
    part = await followed(answer, range="bytes=2-4")
    assert (part.status_code, part.content) == (206, b"234")
    address = answer.headers["location"]
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["60"]
    async with httpx2.AsyncClient() as anybody:
        assert (await anybody.get(address.partition("?")[0])).status_code == 403
        assert (await anybody.get(address.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))).status_code == 403
        assert (await anybody.get(address.replace("text%2Fplain", "text%2Fhtml"))).status_code == 403
        assert (await anybody.delete(address)).status_code == 403


@pytest.mark.parametrize("status", ["pending", "scanning", "infected", "unscannable", "failed", "unscanned"])
async def test_nobody_is_sent_to_a_file_that_is_not_clean(redirecting: Redirecting, status: str) -> None:
    made = await redirecting.room.clean(Sent(CONTENT))
    await with_a_preview(redirecting.room.house, made)
    link = expect(await redirecting.room.client.post(f"{made['url']}/link", {}), 201)["url"]
    await scanned(redirecting.room.house, made, status)
    for path in (made["url"], f"{made['url']}/preview", link):
        assert refusal(await redirecting.get(path)) == (409, "attachment_is_not_clean")


async def test_previews_and_links_are_redirected_too(redirecting: Redirecting) -> None:
    made = await redirecting.room.clean(Sent(PNG, "a.png"))
    await with_a_preview(redirecting.room.house, made)
    preview = await followed(await redirecting.get(f"{made['url']}/preview"))
    assert (preview.content, preview.headers["content-type"]) == (b"RIFF____WEBP", "image/webp")
    assert preview.headers["content-disposition"] == 'inline; filename="a.png.webp"'
    link = expect(await redirecting.room.client.post(f"{made['url']}/link", {}), 201)["url"]
    linked = await followed(await redirecting.room.house.http.get(redirecting.url + link))
    assert (linked.content, linked.headers["content-disposition"]) == (PNG, 'attachment; filename="a.png"')
    shown = await followed(await redirecting.get(f"{made['url']}?disposition=inline"))
    assert (shown.headers["content-type"], shown.headers["content-disposition"]) == ("image/png", 'inline; filename="a.png"')


async def test_who_may_not_see_a_file_gets_no_address(redirecting: Redirecting) -> None:
    room = redirecting.room
    note, file = await room.agent.say(room.thread, channel="note"), await room.clean(by=room.agent)
    await put_into_a_message(room.house, file, note)
    assert refusal(await redirecting.get(file["url"])) == (404, "attachment_not_found")


async def test_what_is_known_or_asked_by_head_is_answered_here(redirecting: Redirecting) -> None:
    made = await redirecting.room.clean(Sent(CONTENT))
    tag = f'"{made["sha256"]}"'
    known = await redirecting.get(made["url"], if_none_match=tag)
    assert (known.status_code, known.headers["etag"]) == (304, tag)
    assert refusal(await redirecting.get(made["url"], if_match='"another"')) == (412, "file_is_another")
    head = await redirecting.get(made["url"], method="HEAD")
    assert (head.status_code, head.headers["content-length"], head.headers["etag"]) == (200, str(len(CONTENT)), tag)


async def test_clients_are_sent_to_where_they_reach_the_store(over_s3: House) -> None:
    room = await room_in(over_s3)
    made = await room.clean(Sent(CONTENT))
    outside = {**over_s3.store, "s3_public_endpoint": "https://files.example"}
    async with running_gateway(over_s3.servers, None, None, attachment_redirects=True, **outside) as url:
        answer = await over_s3.http.get(url + made["url"], headers=room.client.bearer)
    assert answer.headers["location"].startswith(f"https://files.example/{over_s3.store['store'].removeprefix('s3://')}/files/")


async def test_a_folder_is_served_by_the_gateway_all_the_same(folder_room: Room) -> None:
    made = await folder_room.clean(Sent(CONTENT))
    async with running_gateway(folder_room.house.servers, None, None, attachment_redirects=True) as url:
        answer = await folder_room.house.http.get(url + made["url"], headers=folder_room.client.bearer)
        assert (answer.status_code, answer.content) == (200, CONTENT)
