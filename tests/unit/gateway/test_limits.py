"""How often one may ask: counted in Valkey, and in the process while it is away."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import ValidationError
from redis.asyncio import Redis

from services.gateway.limits import Count, Limits, Rate, Verdict
from services.gateway.settings import GatewaySettings
from shared.contracts.identity.sessions import LOG_IN, REGISTER_USER, LogIn, Origin
from shared.contracts.principal import Principal
from shared.contracts.refusals import PermissionIsMissing
from shared.identifiers import new_id
from tests.minutes import with_seconds_left
from tests.servers import Servers
from tests.unit.gateway.neighbours import MESSAGE, POST_PATH, Running, running_gateway, signed_in, token

FEW: dict[str, Any] = {
    "messages_per_minute": 3,
    "requests_per_minute": 5,
    "anonymous_per_minute": 4,
    "workspace_messages_per_minute": 4,
    "sign_ins_per_minute": 2,
}


@pytest_asyncio.fixture(params=["in Valkey", "in the process"], loop_scope="session")
async def limited(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[Running]:
    counting = Limits(servers.redis_url if request.param == "in Valkey" else None, patience=5)  # a busy machine is no outage
    async with running_gateway(limits=counting, **FEW) as running:
        yield running
        if request.param == "in Valkey":
            async with Redis.from_url(servers.redis_url) as valkey:
                await valkey.flushdb()  # the next test comes from the same address


@pytest_asyncio.fixture(loop_scope="session")
async def limits(servers: Servers) -> AsyncIterator[Limits]:
    counting = Limits(servers.redis_url)
    yield counting
    await counting.close()


async def post(running: Running, user: UUID) -> tuple[int, str | None, str | None]:
    answer = await running.client.post(POST_PATH, json={"content": "x"}, headers=signed_in(user))
    return answer.status_code, answer.headers.get("ratelimit"), answer.headers.get("retry-after")


async def test_posts_over_the_limit_are_refused_with_when_to_go_on(limited: Running) -> None:
    user = new_id()
    answers = [await post(limited, user) for _ in range(4)]
    assert [status for status, _, _ in answers] == [201, 201, 201, 429]
    assert [re.sub("t=[0-9]+", "t=…", shown or "") for _, shown, _ in answers] == [
        '"messages";r=2;t=…',
        '"messages";r=1;t=…',
        '"messages";r=0;t=…',
        '"messages";r=0;t=…',
    ]
    assert [retry is None for _, _, retry in answers] == [True, True, True, False]
    assert 1 <= int(answers[3][2] or 0) <= 80


async def test_a_refused_post_is_a_problem_and_reaches_nobody(limited: Running) -> None:
    user = new_id()
    for _ in range(3):
        await post(limited, user)
    limited.neighbours.asked.clear()
    answer = await limited.client.post(POST_PATH, json={"content": "x"}, headers=signed_in(user))
    assert (answer.json()["code"], answer.headers["ratelimit-policy"]) == ("rate_limit_is_reached", '"messages";q=3;w=60')
    assert [asked.operation.name for asked in limited.neighbours.asked] == ["authorize"]


async def test_each_user_has_a_limit_of_their_own(limited: Running) -> None:
    one, other = new_id(), new_id()
    for _ in range(4):
        await post(limited, one)
    assert (await post(limited, other))[0] == 201


async def test_all_other_routes_are_counted_together(limited: Running) -> None:
    headers = signed_in(new_id())
    paths = [
        "/api/auth/me",
        f"/api/collab/messages/{MESSAGE}",
        "/api/collab/threads",
        "/api/auth/me",
        "/api/collab/threads",
        "/api/auth/me",
    ]
    statuses = [(await limited.client.get(path, headers=headers)).status_code for path in paths]
    assert statuses == [200, 200, 200, 200, 200, 429]


async def test_what_is_refused_for_another_reason_counts_too(limited: Running) -> None:
    headers = signed_in(new_id())
    statuses = [(await limited.client.post(POST_PATH, json={}, headers=headers)).status_code for _ in range(4)]
    assert statuses == [422, 422, 422, 429]


async def test_sign_ins_are_counted_by_email_at_an_address(limited: Running) -> None:
    email = f"{new_id().hex}@example.org"
    spelled = [email, email.upper(), f" {email}"]
    answers = [await limited.client.post("/api/auth/login", json={"email": each, "password": "x"}) for each in spelled]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["ratelimit-policy"] == '"sign-ins";q=2;w=60'
    assert len(limited.neighbours.calls(LOG_IN)) == 2


async def test_strangers_are_counted_by_address_whatever_they_ask(limited: Running) -> None:
    asked = [("GET", "/.well-known/jwks.json", {}), ("GET", "/api/auth/me", {}), ("POST", POST_PATH, {"Authorization": "Bearer forged"})]
    answers = [await limited.client.request(method, path, headers=headers) for method, path, headers in asked * 2]
    assert [answer.status_code for answer in answers] == [200, 401, 401, 200, 429, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"anonymous";q=4;w=60'}
    assert (await post(limited, new_id()))[0] == 201, "who is signed in is counted elsewhere"


async def test_a_workspace_has_a_limit_of_its_own(limited: Running) -> None:
    async def post_from(workspace: UUID) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token(ws=str(workspace))}"}
        answer = await limited.client.post(POST_PATH, json={"content": "x"}, headers=headers)
        return answer.status_code, answer.headers["ratelimit-policy"]

    workspace = new_id()
    own, all_of_it = '"messages";q=3;w=60', '"workspace-messages";q=4;w=60'
    answers = [await post_from(workspace) for _ in range(5)]
    assert answers == [(201, own), (201, own), (201, all_of_it), (201, all_of_it), (429, all_of_it)]
    assert await post_from(new_id()) == (201, own)


async def test_one_over_their_own_limit_takes_nothing_from_their_workspace(limited: Running) -> None:
    hasty, workspace = str(new_id()), str(new_id())

    async def statuses(user: str, times: int) -> list[int]:
        headers = {"Authorization": f"Bearer {token(sub=user, ws=workspace)}"}
        return [(await limited.client.post(POST_PATH, json={"content": "x"}, headers=headers)).status_code for _ in range(times)]

    assert await statuses(hasty, 10) == [201] * 3 + [429] * 7
    assert await statuses(str(new_id()), 2) == [201, 429]


async def test_whom_identity_refuses_is_counted_too(limited: Running) -> None:
    def refuse(request: object) -> Principal:
        raise PermissionIsMissing

    limited.neighbours.authorize = refuse
    user = new_id()
    answers = [await post(limited, user) for _ in range(4)]
    assert [status for status, _, _ in answers] == [403, 403, 403, 429]
    assert all(shown for _, shown, _ in answers)


async def log_in(running: Running, email: str, address: str) -> tuple[int, Origin]:
    """From an address, by the word of a proxy."""
    headers = {"X-Forwarded-For": f"203.0.113.200, {address}", "User-Agent": "Browser/1.0"}
    answer = await running.client.post("/api/auth/login", json={"email": email, "password": "x"}, headers=headers)
    asked = running.neighbours.calls(LOG_IN)[-1].request
    assert isinstance(asked, LogIn)
    return answer.status_code, asked.origin


@pytest.mark.parametrize("proxies", ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8"])
async def test_sign_ins_to_an_account_are_counted_over_all_addresses(proxies: str) -> None:
    async with running_gateway(trusted_proxies=proxies, account_sign_ins_per_minute=3, sign_ins_per_minute=2) as running:
        email = f"{new_id().hex}@example.org"
        tried = [await log_in(running, spelled, f"192.0.2.{number}") for number, spelled in enumerate([email, email.upper(), email, email])]
        assert [origin for _, origin in tried] == [
            Origin(address=f"192.0.2.{number}", user_agent="Browser/1.0", crowded=number == 3) for number in range(4)
        ]
        assert {status for status, _ in tried} == {200}, "whether a crowded account takes one more is for identity to say"
        assert (await log_in(running, "other@example.org", "192.0.2.0"))[1].crowded is False


@pytest.mark.parametrize(
    ("tried", "answers"),
    [
        (["192.0.2.1"] * 4, [200, 200, 200, 429]),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"], [200] * 4),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::", "2001:db8::3"], [200, 200, 200, 429]),
        (["2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:1::1"], [200] * 4),
        (["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "192.0.2.1"], [200, 200, 200, 429]),
        (["::ffff:192.0.2.1", "::ffff:192.0.2.2", "::ffff:192.0.2.3", "::ffff:192.0.2.4"], [200] * 4),
    ],
)
async def test_an_address_signs_in_to_so_many_accounts(tried: list[str], answers: list[int]) -> None:
    async with running_gateway(None, trusted_proxies="127.0.0.1", address_sign_ins_per_minute=3) as running:
        assert [(await log_in(running, f"{new_id().hex}@example.org", address))[0] for address in tried] == answers


async def test_who_guesses_at_one_email_too_often_uses_up_nothing_of_their_address() -> None:
    async with running_gateway(None, address_sign_ins_per_minute=4, sign_ins_per_minute=2) as running:
        tried = [(await log_in(running, email, "192.0.2.1"))[0] for email in ["ada@x.io"] * 6 + ["bob@x.io"] * 2 + ["eve@x.io"]]
        assert tried == [200, 200, 429, 429, 429, 429, 200, 200, 429]


async def test_what_strangers_say_of_their_address_is_not_believed() -> None:
    async with running_gateway(sign_ins_per_minute=2) as running:
        tried = [await log_in(running, "ada@example.org", f"192.0.2.{number}") for number in range(3)]
        assert [status for status, _ in tried] == [200, 200, 429]
        assert tried[0][1].address == "127.0.0.1"


async def test_the_address_that_a_proxy_saw_counts_and_not_what_it_was_told() -> None:
    async with running_gateway(trusted_proxies="127.0.0.1") as running:
        assert (await log_in(running, "ada@example.org", "192.0.2.1"))[1].address == "192.0.2.1"


async def test_where_one_signs_in_from_is_not_for_the_body_to_say(running: Running) -> None:
    body = {"email": "ada@example.org", "password": "x", "origin": {"address": "192.0.2.1"}}
    answer = await running.client.post("/api/auth/login", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "origin")
    assert running.neighbours.calls(LOG_IN) == []


@pytest.mark.parametrize(("said", "kept"), [("", None), ("é", "Ã©"), ("x" * 300, "x" * 255), ("a\tb", "ab")])
async def test_a_user_agent_is_kept_as_far_as_it_is_one(running: Running, said: str, kept: str | None) -> None:
    headers = {b"user-agent": said.encode()}
    await running.client.post("/api/auth/login", json={"email": "ada@example.org", "password": "x"}, headers=headers)
    asked = running.neighbours.calls(LOG_IN)[-1].request
    assert isinstance(asked, LogIn)
    assert asked.origin.user_agent == kept


@pytest.mark.parametrize("proxies", ["*", "proxy.example.org", "10.0.0.1/8", "10.0.0.0/40"])
def test_what_is_no_network_is_no_proxy(proxies: str) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate({"trusted_proxies": proxies})


async def test_a_limit_of_zero_is_no_limit() -> None:
    names = ("messages", "requests", "anonymous", "sign_ins", "address_sign_ins", "account_sign_ins")
    nothing: dict[str, Any] = {f"{name}_per_minute": 0 for name in names}
    async with running_gateway(**nothing) as running:
        user = new_id()
        answers = [await post(running, user) for _ in range(100)]
        assert {(status, shown) for status, shown, _ in answers} == {(201, None)}
        for _ in range(30):
            running.neighbours.answers[REGISTER_USER] = b'{"user":{"id":"u"}}'
            body = {"email": "ada@example.org", "password": "correct horse", "name": "Ada"}
            assert (await running.client.post("/api/auth/register", json=body)).status_code == 201


async def test_what_is_asked_in_one_turn_is_one_script(servers: Servers, limits: Limits) -> None:
    async with Redis.from_url(servers.redis_url) as valkey:
        await limits.take(Count(Rate("turn", 1_000), "somebody"))
        before = (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"]
        verdicts = await asyncio.gather(*(limits.take(Count(Rate("turn", 1_000), "everybody")) for _ in range(100)))
        after = (await valkey.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert (after - before, [verdict.remaining for verdict in verdicts]) == (1, list(range(999, 899, -1)))


async def test_racing_requests_never_get_more_than_the_limit(servers: Servers) -> None:
    await with_seconds_left(3)
    gateways = [Limits(servers.redis_url, patience=5) for _ in range(4)]  # none of them falls back to itself on a busy machine
    rate, who = Rate("race", 60), new_id().hex
    verdicts = await asyncio.gather(*(gateway.take(Count(rate, who)) for _ in range(50) for gateway in gateways))
    assert sum(verdict.allowed for verdict in verdicts) == 60
    for gateway in gateways:
        await gateway.close()


async def test_a_limit_is_forgotten_by_valkey_when_it_is_over(servers: Servers, limits: Limits) -> None:
    await limits.take(Count(Rate("kept", 5), "somebody"))
    async with Redis.from_url(servers.redis_url) as valkey:
        assert 60 < await valkey.ttl("limit:kept:somebody") <= 120


@pytest.mark.parametrize(
    ("before", "count", "allowed"),
    [(60, 0, False), (0, 59, True), (0, 60, False)],
    ids=["all of the last minute's still count", "one is left", "none is left"],
)
async def test_the_last_minute_counts_by_the_part_that_is_within_sixty_seconds(
    servers: Servers, limits: Limits, before: int, count: int, allowed: bool
) -> None:
    await with_seconds_left(3)
    async with Redis.from_url(servers.redis_url) as valkey:
        seconds, _ = await valkey.time()
        who, since = new_id().hex, seconds % 60
        await valkey.set(f"limit:minute:{who}", f"{seconds // 60} {before} {count}")
        verdict = await limits.take(Count(Rate("minute", 60), who))
    expected = allowed or (before == 60 and since >= 1)
    assert verdict.allowed == expected
    if not verdict.allowed:
        assert 1 <= verdict.seconds <= 61


async def test_while_valkey_is_away_this_process_counts_and_nobody_waits(servers: Servers, limits: Limits) -> None:
    rate, who = Rate("away", 5), new_id().hex
    await limits.take(Count(rate, who))
    servers.valkey.kill()
    try:
        verdicts = [await limits.take(Count(rate, who)) for _ in range(6)]
        assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False]
        before = time.perf_counter()
        for _ in range(100):
            await limits.take(Count(rate, new_id().hex))
        assert time.perf_counter() - before < 0.2
        assert not (await limits.health()).ok
    finally:
        await servers.valkey.start()
    verdict = await asyncio.wait_for(counted_in_valkey(servers, limits), 5)
    assert verdict.allowed
    assert (await limits.health()).ok


async def test_a_frozen_valkey_costs_one_request_in_a_second_fifty_milliseconds(servers: Servers, limits: Limits) -> None:
    rate = Rate("frozen", 5)
    await limits.take(Count(rate, "somebody"))
    servers.valkey.freeze()
    try:
        waits = []
        for _ in range(20):
            before = time.perf_counter()
            await limits.take(Count(rate, new_id().hex))
            waits.append(time.perf_counter() - before)
    finally:
        servers.valkey.thaw()
    assert sum(wait > 0.03 for wait in waits) == 1
    assert max(waits) < 0.2


async def counted_in_valkey(servers: Servers, limits: Limits) -> Verdict:
    """The first verdict that Valkey gives again."""
    async with Redis.from_url(servers.redis_url) as valkey:
        while True:
            who = new_id().hex
            verdict = await limits.take(Count(Rate("back", 5), who))
            if await valkey.exists(f"limit:back:{who}"):
                return verdict
            await asyncio.sleep(0.1)
