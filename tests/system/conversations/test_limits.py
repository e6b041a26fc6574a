"""How often people may ask (spec 1: 60 messages a minute), and how they are told."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio
from pydantic.alias_generators import to_camel

from services.gateway.settings import GatewaySettings
from tests.minutes import with_seconds_left
from tests.system.house import House, register, running_gateway
from tests.system.people import PASSWORD, expect, message_path, messages_of, refusal


@pytest_asyncio.fixture(loop_scope="session")
async def http(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    """By a gateway whose limits are as they come."""
    async with running_gateway(house.servers) as url, httpx2.AsyncClient(base_url=url, timeout=20) as client:
        yield client


async def test_the_limits_are_told(http: httpx2.AsyncClient) -> None:
    assert expect(await http.get("/api/limits"), 200) == {
        "messagesPerMinute": 60,
        "uploadsPerMinute": 10,
        "requestsPerMinute": 1_200,
        "anonymousPerMinute": 1_200,
        "workspaceMessagesPerMinute": 0,
        "workspaceRequestsPerMinute": 0,
        "signInsPerMinute": 20,
        "addressSignInsPerMinute": 100,
        "accountSignInsPerMinute": 40,
        "messageLength": 10_000,
        "metadataBytes": 16_384,
        "bodyBytes": 1_048_576,
        "attachmentBytes": 5 * 1024 * 1024,
        "filesPerUpload": 10,
        "unfinishedUploads": 20,
        "projectFileBytes": 524_288,
    }


async def test_every_limit_that_can_be_set_is_told(house: House) -> None:
    names = [name for name in GatewaySettings.model_fields if name.endswith("_per_minute")]
    wanted = {name: place for place, name in enumerate(names, start=100)}
    async with running_gateway(house.servers, **wanted) as url, httpx2.AsyncClient(base_url=url) as client:
        told = expect(await client.get("/api/limits"), 200)
    assert {name: told[to_camel(name)] for name in names} == wanted
    assert {name for name in told if name.endswith("PerMinute")} == {to_camel(name) for name in names}


async def test_a_user_posts_sixty_messages_a_minute(http: httpx2.AsyncClient) -> None:
    person, other = await register(http), await register(http)
    thread, others = await person.open(), await other.open()
    await with_seconds_left(20)
    for left in range(59, -1, -1):
        answer = await person.post(messages_of(thread), {"content": str(left)})
        message = expect(answer, 201)
        assert answer.headers["ratelimit-policy"] == '"messages";q=60;w=60'
        assert re.fullmatch(rf'"messages";r={left};t=\d+', answer.headers["ratelimit"])
    answer = await person.post(messages_of(thread), {"content": "one too many"})
    assert refusal(answer) == (429, "rate_limit_is_reached")
    assert answer.headers["ratelimit-policy"] == '"messages";q=60;w=60'
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= 120
    assert answer.headers["ratelimit"] == f'"messages";r=0;t={seconds}'
    assert len((await person.page(thread, limit=200))["messages"]) == 60
    expect(await person.patch(message_path(message), {"content": "Edits are counted elsewhere"}), 200)
    await other.say(others, "Others go on")


async def test_all_other_requests_are_counted_together(http: httpx2.AsyncClient) -> None:
    person = await register(http)
    left = []
    for path in ("/api/auth/me", "/api/collab/threads", "/api/auth/me"):
        answer = await person.get(path)
        assert answer.headers["ratelimit-policy"] == '"requests";q=1200;w=60'
        left.append(int(answer.headers["ratelimit"].split("r=")[1].split(";")[0]))
    assert left == [1_199, 1_198, 1_197]


async def test_refusals_tell_the_limit_too(http: httpx2.AsyncClient) -> None:
    person = await register(http)
    answer = await person.post("/api/collab/threads", {})
    assert (answer.status_code, answer.headers["ratelimit-policy"]) == (422, '"requests";q=1200;w=60')


async def test_passwords_are_guessed_twenty_times_a_minute(http: httpx2.AsyncClient) -> None:
    await with_seconds_left(20)
    person, other = await register(http), await register(http)
    body = {"email": person.user["email"], "password": "a guess"}
    for _ in range(19):  # registering was one
        assert refusal(await http.post("/api/auth/login", json=body)) == (401, "credentials_are_wrong")
    answer = await http.post("/api/auth/login", json={**body, "password": PASSWORD})
    assert refusal(answer) == (429, "rate_limit_is_reached")
    assert answer.headers["ratelimit-policy"] == '"sign-ins";q=20;w=60'
    expect(await http.post("/api/auth/login", json={"email": other.user["email"], "password": PASSWORD}), 200)
