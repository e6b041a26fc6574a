"""What every answer has, and what travels on with a request."""

import re
import time

import httpx2
import pytest
from prometheus_client import REGISTRY

from services.gateway.edge import SECONDS, shown_path
from shared.contracts.identity.sessions import AUTHORIZE
from shared.contracts.messages.messages import POST_MESSAGE
from shared.messaging.context import Context
from tests.unit.gateway.neighbours import POST_PATH, THREAD, Running, running_gateway, signed_in

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ORIGIN = "https://app.example.org"


async def context_of(running: Running, headers: dict[str, str]) -> tuple[httpx2.Response, Context]:
    answer = await running.client.post(POST_PATH, json={"content": "x"}, headers=signed_in() | headers)
    return answer, running.neighbours.calls(POST_MESSAGE)[-1].context


@pytest.mark.parametrize("given", ["r-1", "a b", "x" * 128, "~!@#"])
async def test_a_request_id_travels_and_comes_back(running: Running, given: str) -> None:
    answer, context = await context_of(running, {"X-Request-Id": given})
    assert (answer.headers["x-request-id"], context.request_id) == (given, given)


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a\tb"])
async def test_a_request_id_that_is_none_is_replaced(running: Running, given: str | None) -> None:
    answer, context = await context_of(running, {} if given is None else {"X-Request-Id": given})
    assert UUID.fullmatch(answer.headers["x-request-id"])
    assert answer.headers["x-request-id"] == context.request_id


async def test_a_trace_is_carried_on(running: Running) -> None:
    _, context = await context_of(running, {"traceparent": TRACE})
    assert context.trace == TRACE


@pytest.mark.parametrize(
    "given",
    [None, "nonsense", TRACE.upper(), TRACE.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), f"{TRACE}-more", f"ff{TRACE[2:]}"],
)
async def test_a_trace_that_is_none_is_begun(running: Running, given: str | None) -> None:
    _, context = await context_of(running, {} if given is None else {"traceparent": given})
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", context.trace)
    assert context.trace != given


async def test_every_call_of_a_request_has_the_same_deadline(running: Running) -> None:
    before = time.time()
    await context_of(running, {})
    deadlines = {asked.context.deadline for asked in running.neighbours.asked if asked.operation in (AUTHORIZE, POST_MESSAGE)}
    assert len(deadlines) == 1
    assert before + SECONDS <= deadlines.pop() <= time.time() + SECONDS


@pytest.mark.parametrize("path", ["/healthz", "/api/nothing", "/api/docs", "/api/limits", POST_PATH, "/metrics"])
async def test_every_answer_has_an_id_and_is_not_sniffed(running: Running, path: str) -> None:
    answer = await running.client.get(path)
    assert (answer.headers["x-content-type-options"], bool(answer.headers["x-request-id"])) == ("nosniff", True)
    assert "server" not in answer.headers


@pytest.mark.parametrize(("path", "shown"), [("/api/collab/links/the-token", "/api/collab/links/…"), ("/api/users/me", "/api/users/me")])
def test_a_links_token_is_in_no_path_that_is_logged(path: str, shown: str) -> None:
    assert shown_path({"path": path}) == shown


def counted(path: str, method: str, status: str) -> float:
    return REGISTRY.get_sample_value("atrium_http_requests_total", {"route": path, "method": method, "status": status}) or 0


async def test_posts_are_counted_and_timed_in_milliseconds(running: Running) -> None:
    route = "/api/collab/threads/{threadId}/messages"
    before = (counted(route, "POST", "201"), REGISTRY.get_sample_value("message_post_latency_ms_count") or 0)
    await context_of(running, {})
    assert (counted(route, "POST", "201"), REGISTRY.get_sample_value("message_post_latency_ms_count")) == (before[0] + 1, before[1] + 1)
    assert (REGISTRY.get_sample_value("message_post_latency_ms_sum") or 0) > 0.1


async def test_what_strangers_make_up_makes_no_new_series(running: Running) -> None:
    for path in ("/made/up/1", "/made/up/2"):
        await running.client.request("INVENTED", path)
    assert "made" not in (await running.client.get("/metrics")).text
    assert "INVENTED" not in (await running.client.get("/metrics")).text


async def test_without_origins_there_is_no_cors(running: Running) -> None:
    answer = await running.client.get("/api/limits", headers={"Origin": ORIGIN})
    assert "access-control-allow-origin" not in answer.headers


async def test_the_origins_that_are_set_may_call_and_read_our_headers() -> None:
    async with running_gateway(cors_origins=f"https://other.example.org, {ORIGIN}") as running:
        preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
        allowed = await running.client.options(f"/api/collab/threads/{THREAD}", headers=preflight)
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, ORIGIN)
        assert "PATCH" in allowed.headers["access-control-allow-methods"]
        answer = await running.client.post(POST_PATH, json={"content": "x"}, headers=signed_in() | {"Origin": ORIGIN})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "RateLimit" in answer.headers["access-control-expose-headers"]
        refused = await running.client.get("/api/auth/me", headers={"Origin": ORIGIN})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)
        stranger = await running.client.get("/api/limits", headers={"Origin": "https://evil.example.org"})
        assert "access-control-allow-origin" not in stranger.headers


async def test_limits_are_told() -> None:
    async with running_gateway(messages_per_minute=7) as running:
        assert (await running.client.get("/api/limits")).json() == {
            "messagesPerMinute": 7,
            "uploadsPerMinute": 10,
            "requestsPerMinute": 1200,
            "anonymousPerMinute": 1200,
            "workspaceMessagesPerMinute": 0,
            "workspaceRequestsPerMinute": 0,
            "signInsPerMinute": 20,
            "addressSignInsPerMinute": 100,
            "accountSignInsPerMinute": 40,
            "messageLength": 10_000,
            "metadataBytes": 16_384,
            "bodyBytes": 1_048_576,
            "attachmentBytes": 5_242_880,
            "filesPerUpload": 10,
            "unfinishedUploads": 20,
            "projectFileBytes": 524_288,
        }


async def test_it_lives(running: Running) -> None:
    answer = await running.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
