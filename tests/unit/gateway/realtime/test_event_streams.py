"""The same events as server-sent ones, for stock clients of HTTP; and the cursor that belongs to a snapshot."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from string import ascii_lowercase
from typing import Any

import httpx2
import pytest
from prometheus_client import REGISTRY

from shared.contracts.messages.messages import LIST_MESSAGES
from shared.contracts.threads.access import ThreadNotFound
from shared.contracts.threads.threads import LIST_THREADS
from shared.identifiers import new_id
from tests.unit.gateway.neighbours import POST_PATH, THREAD, Running, running_gateway, signed_in, token
from tests.unit.gateway.realtime.conftest import ORIGIN
from tests.unit.gateway.realtime.telling import SIGNED_IN, Telling, now

EVENTS = "/api/collab/events"
CURSOR = "0000000017"
MANY = ["".join(letters) for letters in product(ascii_lowercase, repeat=3)][:1_001]


class Stream:
    """One stock reader of an event stream."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self._blocks = self._read()

    async def _read(self) -> AsyncIterator[dict[str, str]]:
        block: dict[str, str] = {}
        async for line in self.answer.aiter_lines():
            if line:
                name, _, value = line.partition(":")
                block[name or "comment"] = value.strip()
            elif block:
                yield block
                block = {}

    async def block(self) -> dict[str, str]:
        """The next one; nothing at the end."""
        async with asyncio.timeout(5):
            return await anext(self._blocks, {})

    async def event(self) -> dict[str, str]:
        """The next that is one."""
        block = await self.block()
        while block and "event" not in block:
            block = await self.block()
        return block


@asynccontextmanager
async def followed(running: Running, query: str = "", headers: dict[str, str] | None = None) -> AsyncIterator[Stream]:
    async with running.client.stream("GET", f"{EVENTS}{query}", headers=signed_in() if headers is None else headers) as answer:
        yield Stream(answer)


async def test_events_come_with_their_cursors(running: Running, hub: Telling) -> None:
    async with followed(running) as stream:
        answer = stream.answer
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
        assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")
        assert 1_000 <= int((await stream.block())["retry"]) <= 10_000
        ready = await stream.event()
        assert (ready["event"], ready["id"]) == ("ready", hub.cursor)
        hub.happens({"content": "a\nb"})
        told = await stream.event()
        assert (told["event"], told["id"]) == ("messagePosted", hub.cursor)
        assert json.loads(told["data"]) == {"type": "messagePosted", "cursor": hub.cursor, "data": {"content": "a\nb"}}


@pytest.mark.parametrize(
    ("query", "headers", "cursor"),
    [
        ("", {}, None),
        (f"?cursor={CURSOR}", {}, CURSOR),
        ("", {"Last-Event-ID": CURSOR}, CURSOR),
        ("?cursor=0000000011", {"Last-Event-ID": CURSOR}, CURSOR),
    ],
)
async def test_it_goes_on_from_the_newest_cursor(
    running: Running, hub: Telling, query: str, headers: dict[str, str], cursor: str | None
) -> None:
    async with followed(running, query, signed_in() | headers) as stream:
        await stream.event()
        assert hub.followed[-1] == cursor


async def test_the_query_names_what_is_wanted(running: Running, hub: Telling) -> None:
    thread, project = str(new_id()), str(new_id())
    async with followed(running, f"?threads={thread}&projects={project}&types=messagePosted,taskChanged") as stream:
        await stream.event()
        interests = hub.connections[-1].interests
        assert interests is not None
        assert ({str(key) for key in interests.keys}, interests.types) == ({thread, project}, {"messagePosted", "taskChanged"})


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("", {}, (401, "token_is_missing")),
        ("", {"Authorization": "Bearer nonsense"}, (401, "token_is_not_valid")),
        ("?token=x", SIGNED_IN, (400, "token_is_in_the_address")),
        ("?cursor=nonsense", SIGNED_IN, (400, "cursor_is_not_valid")),
        ("?threads=nonsense", SIGNED_IN, (422, "request_is_invalid")),
        ("?types=no-name", SIGNED_IN, (422, "request_is_invalid")),
        (f"?types={','.join(MANY)}", SIGNED_IN, (422, "too_many_subscriptions")),
        ("", SIGNED_IN | {"Origin": "null"}, (403, "origin_is_not_allowed")),
    ],
)
async def test_who_may_not_follow_is_told_so(running: Running, query: str, headers: dict[str, str], expected: tuple[int, str]) -> None:
    answer = await running.client.get(f"{EVENTS}{query}", headers=now(headers))
    assert (answer.status_code, answer.json()["code"]) == expected


async def test_a_quiet_stream_shows_life_and_a_fresh_cursor(running: Running) -> None:
    hub = Telling()
    async with running_gateway(hub=hub) as quick:
        quick.gateway.live.every = 0.1
        async with followed(quick) as stream:
            await stream.event()
            blocks = [await stream.block() for _ in range(3)]
            assert all("comment" in block for block in blocks)
            assert blocks[-1]["id"] == hub.cursor
            assert all("event" not in block for block in blocks)


async def test_it_ends_with_the_token_and_says_so(running: Running, hub: Telling) -> None:
    async with followed(running, headers={"Authorization": f"Bearer {token(exp=int(time.time()) + 3)}"}) as stream:
        await stream.event()
        ended = await stream.event()
        assert (ended["event"], json.loads(ended["data"])["data"]["code"], "retry" in ended) == ("close", 4401, True)
        assert await stream.block() == {}
    assert hub.connections == []


async def test_a_stop_ends_it_before_the_server_waits() -> None:
    async with running_gateway(hub=Telling()) as stopping, followed(stopping) as stream:
        await stream.event()
        await stopping.gateway.live.stop()
        assert json.loads((await stream.event())["data"])["data"]["code"] == 1012


async def test_who_leaves_is_forgotten(running: Running, hub: Telling) -> None:
    async with followed(running) as stream:
        await stream.event()
        assert len(hub.connections) == 1
    async with asyncio.timeout(5):
        while hub.connections:
            await asyncio.sleep(0.01)


async def test_a_reader_that_stalls_is_closed_and_what_waits_for_it_is_bounded() -> None:
    hub, bound = Telling(), 200_000
    async with running_gateway(hub=hub, bounds={"unsent": bound, "linger": 0.2}) as quick:
        place = quick.client.base_url
        reader, writer = await asyncio.open_connection(place.host, place.port)
        head = f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: {signed_in()['Authorization']}\r\n\r\n"
        writer.write(head.encode())
        await reader.readuntil(b"event: ready")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        (stalled,), most = list(hub.connections), 0
        while hub.connections:
            hub.happens({"content": "x" * 20_000})
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            most = max(most, stalled.carrier.unsent)
        assert most < bound + 50_000
        async with asyncio.timeout(5):
            while stalled.carrier.unsent:
                await asyncio.sleep(0.05)
        writer.close()


async def test_its_hours_are_not_counted_as_a_slow_request(running: Running) -> None:
    labels = {"route": EVENTS}
    before = REGISTRY.get_sample_value("atrium_http_seconds_sum", labels) or 0.0
    async with followed(running) as stream:
        await stream.event()
        await asyncio.sleep(0.5)
    async with asyncio.timeout(5):
        while (REGISTRY.get_sample_value("atrium_http_seconds_sum", labels) or 0.0) == before:
            await asyncio.sleep(0.01)
    assert (REGISTRY.get_sample_value("atrium_http_seconds_sum", labels) or 0.0) - before < 0.4


async def test_head_and_other_methods_are_as_elsewhere(running: Running, hub: Telling) -> None:
    answer = await running.client.head(EVENTS, headers=signed_in())
    assert (answer.status_code, answer.headers["content-type"], hub.connections) == (200, "text/event-stream", [])
    refused = await running.client.post(EVENTS, headers=signed_in())
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_curl_follows(running: Running, hub: Telling) -> None:
    authorization = f"Authorization: {signed_in()['Authorization']}"
    curl = await asyncio.create_subprocess_exec(
        "curl", "-sN", "--noproxy", "*", "-H", authorization, f"{running.url}{EVENTS}", stdout=asyncio.subprocess.PIPE
    )
    assert curl.stdout is not None
    try:
        async with asyncio.timeout(10):
            await curl.stdout.readuntil(b"event: ready\n")
            hub.happens({"content": "hello"})
            assert b"hello" in await curl.stdout.readuntil(b"hello")
    finally:
        curl.terminate()
        await curl.wait()


async def test_the_snapshot_cursor_is_that_of_now(running: Running, hub: Telling) -> None:
    answer = await running.client.get("/api/collab/snapshot-cursor", headers=signed_in())
    assert (answer.status_code, answer.json(), answer.headers["cache-control"]) == (200, {"cursor": hub.cursor}, "no-store")
    assert (await running.client.get("/api/collab/snapshot-cursor")).status_code == 401


@pytest.mark.parametrize("path", ["/api/collab/threads", POST_PATH])
async def test_lists_carry_the_cursor_from_before_they_were_asked(running: Running, hub: Telling, path: str) -> None:
    answer = await running.client.get(path, headers=signed_in() | {"Origin": ORIGIN})
    assert (answer.status_code, answer.headers["x-atrium-cursor"]) == (200, hub.cursor)
    assert "X-Atrium-Cursor" in answer.headers["access-control-expose-headers"]


async def test_a_refused_list_carries_none(running: Running) -> None:
    running.neighbours.answers |= dict.fromkeys((LIST_MESSAGES, LIST_THREADS), ThreadNotFound())
    for path in ("/api/collab/threads", f"/api/collab/threads/{THREAD}/messages"):
        answer = await running.client.get(path, headers=signed_in())
        assert (answer.status_code, "x-atrium-cursor" in answer.headers) == (404, False)


async def test_without_the_stream_lists_come_without_a_cursor() -> None:
    async with running_gateway() as dark:
        answers: list[Any] = [await dark.client.get(path, headers=signed_in()) for path in ("/api/collab/threads", EVENTS)]
        assert [(answer.status_code, "x-atrium-cursor" in answer.headers) for answer in answers] == [(200, False), (503, False)]


async def test_the_cookie_of_a_page_of_ours_lets_its_event_source_in(running: Running, hub: Telling) -> None:
    cookie = {"Cookie": f"atrium_access={token()}"}
    async with followed(running, headers=cookie | {"Sec-Fetch-Site": "same-origin"}) as stream:
        assert (await stream.event())["event"] == "ready"
    answer = await running.client.get(EVENTS, headers=cookie | {"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_is_missing")


async def test_the_cookie_opens_nothing_else_that_is_live(running: Running) -> None:
    cookie = {"Cookie": f"atrium_access={token()}", "Sec-Fetch-Site": "same-origin"}
    assert (await running.client.get("/api/collab/snapshot-cursor", headers=cookie)).status_code == 401
