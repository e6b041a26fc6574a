"""Who gets a WebSocket, and for how long."""

import json
import time

import pytest
import websockets

from shared.contracts.identity.sessions import AUTHORIZE, Authorize, SessionHasEnded
from shared.contracts.principal import Principal
from shared.contracts.refusals import PermissionIsMissing, ServiceIsUnavailable
from shared.identifiers import new_id
from tests.unit.gateway.neighbours import Running, running_gateway, token
from tests.unit.gateway.realtime.conftest import ORIGIN
from tests.unit.gateway.realtime.telling import SIGNED_IN, Json, Telling, address, live, now, opened

CURSOR = "0000000017"


def bearer(access: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {access or token()}"}


async def refusal(running: Running, headers: dict[str, str], query: str = "") -> tuple[int, str]:
    """The status and the code with which no WebSocket is given."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(address(running, query), additional_headers=headers, proxy=None):
            pass
    response = refused.value.response
    assert (response.headers["content-type"], response.headers["x-content-type-options"]) == ("application/problem+json", "nosniff")
    problem = json.loads(response.body or b"")
    assert problem["requestId"] == response.headers["x-request-id"]
    return response.status_code, problem["code"]


async def test_a_token_in_the_head_signs_in(running: Running, hub: Telling) -> None:
    async with opened(running, bearer()) as client:
        assert client.socket.response is not None
        assert client.socket.response.headers["x-request-id"]
        assert await client.hears() == {"type": "ready", "cursor": hub.cursor, "data": {}}


async def test_a_first_frame_signs_in(running: Running, hub: Telling) -> None:
    async with opened(running) as client:
        await client.says({"type": "auth", "token": token(), "cursor": CURSOR})
        assert (await client.hears())["type"] == "ready"
    assert hub.followed[-1] == CURSOR


async def test_the_cursor_may_be_in_the_address(running: Running, hub: Telling) -> None:
    async with live(running, f"?cursor={CURSOR}"):
        assert hub.followed[-1] == CURSOR


async def test_what_happens_comes_down_in_its_order(running: Running, hub: Telling) -> None:
    async with live(running) as one, live(running) as another:
        hub.happens({"seq": 1})
        hub.happens({"seq": 2})
        for client in (one, another):
            heard = [await client.hears(), await client.hears()]
            assert [(each["type"], each["data"]["seq"]) for each in heard] == [("messagePosted", 1), ("messagePosted", 2)]
            assert heard[-1]["cursor"] == hub.cursor


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({"Authorization": "Bearer nonsense"}, "", (401, "token_is_not_valid")),
        ({"Authorization": "Basic abc"}, "", (401, "token_is_missing")),
        (bearer(token(exp=int(time.time()) - 1)), "", (401, "token_is_not_valid")),
        ({}, "?token=abc", (400, "token_is_in_the_address")),
        ({}, "?access_token=abc", (400, "token_is_in_the_address")),
        (SIGNED_IN, "?cursor=nonsense", (400, "cursor_is_not_valid")),
        (SIGNED_IN | {"Origin": "null"}, "", (403, "origin_is_not_allowed")),
        (SIGNED_IN | {"Origin": "https://evil.example"}, "", (403, "origin_is_not_allowed")),
        ({"Origin": "https://evil.example"}, "", (403, "origin_is_not_allowed")),
        ({"Origin": f"{ORIGIN}.evil.example"}, "", (403, "origin_is_not_allowed")),
        ({"Origin": "https://["}, "", (403, "origin_is_not_allowed")),
    ],
)
async def test_who_may_not_connect_is_told_before_the_upgrade(
    running: Running, headers: dict[str, str], query: str, expected: tuple[int, str]
) -> None:
    assert await refusal(running, now(headers), query) == expected


@pytest.mark.parametrize("origin", [ORIGIN, None])
async def test_pages_of_ours_may_connect(running: Running, origin: str | None) -> None:
    async with live(running, origin=origin or running.url):
        pass


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (SessionHasEnded, (401, "session_has_ended")),
        (PermissionIsMissing, (403, "permission_is_missing")),
        (ServiceIsUnavailable, (503, "service_is_unavailable")),
    ],
)
async def test_identity_decides_who_connects(running: Running, raised: type[Exception], expected: tuple[int, str]) -> None:
    def refuse(request: Authorize) -> Principal:
        raise raised

    running.neighbours.authorize = refuse
    assert await refusal(running, bearer()) == expected


@pytest.mark.parametrize(("raised", "code"), [(SessionHasEnded, 4401), (PermissionIsMissing, 4403), (ServiceIsUnavailable, 1013)])
async def test_who_is_refused_in_a_first_frame_is_told_and_closed(running: Running, raised: type[Exception], code: int) -> None:
    def refuse(request: Authorize) -> Principal:
        raise raised

    running.neighbours.authorize = refuse
    async with opened(running) as client:
        told = await client.asks({"type": "auth", "token": token(), "id": 1})
        assert (told["type"], told["id"], told["code"]) == ("refused", 1, raised().code)  # type: ignore[attr-defined]
        assert await client.ended() == code


async def test_a_first_frame_with_a_cursor_that_is_none_is_closed(running: Running) -> None:
    async with opened(running) as client:
        await client.says({"type": "auth", "token": token(), "cursor": "nonsense"})
        assert (await client.hears())["code"] == "cursor_is_not_valid"


async def test_who_says_nothing_is_closed(running: Running) -> None:
    async with opened(running) as client:
        before = time.monotonic()
        assert await client.ended() == 4401
        assert time.monotonic() - before < running.gateway.live.patience + 1


async def test_who_says_something_else_first_is_closed(running: Running) -> None:
    async with opened(running) as client:
        await client.says({"type": "ping"})
        assert await client.ended() == 4401


async def test_a_user_has_so_many_connections(running: Running) -> None:
    async with running_gateway(hub=Telling(most=1)) as crowded, live(crowded):
        assert await refusal(crowded, bearer()) == (429, "rate_limit_is_reached")
        async with opened(crowded) as client:
            assert (await client.asks({"type": "auth", "token": token()}))["code"] == "rate_limit_is_reached"
            assert await client.ended() == 4429


async def test_connecting_counts_as_a_request(running: Running) -> None:
    async with running_gateway(hub=Telling(), requests_per_minute=1) as limited:
        user = str(new_id())
        async with live(limited, access=token(sub=user)):
            assert await refusal(limited, bearer(token(sub=user))) == (429, "rate_limit_is_reached")


async def test_a_token_that_ends_closes_the_socket(running: Running) -> None:
    async with live(running, access=token(exp=int(time.time()) + 3)) as client:
        assert await client.ended() == 4401


async def test_a_newer_token_of_the_same_user_keeps_it_open(running: Running, hub: Telling) -> None:
    user, workspace, session = (str(new_id()) for _ in range(3))
    async with live(running, access=token(sub=user, ws=workspace, exp=int(time.time()) + 3)) as client:
        assert (await client.asks({"type": "auth", "token": token(sub=user, ws=workspace, sid=session), "id": "r"}))["type"] == "reply"
        assert str(hub.renewed[-1]) == session
        with pytest.raises(TimeoutError):
            await client.ended(within=3.5)


@pytest.mark.parametrize("another", ["sub", "ws"])
async def test_anothers_token_renews_nothing(running: Running, another: str) -> None:
    ids: Json = {"sub": str(new_id()), "ws": str(new_id())}
    async with live(running, access=token(**ids)) as client:
        told = await client.asks({"type": "auth", "token": token(**ids | {another: str(new_id())}), "id": 1})
        assert (told["status"], told["code"]) == (403, "token_is_of_another")
        assert (await client.asks({"type": "ping"}))["type"] == "pong"


async def test_a_renewal_takes_no_cursor(running: Running) -> None:
    ids: Json = {"sub": str(new_id()), "ws": str(new_id())}
    async with live(running, access=token(**ids)) as client:
        assert (await client.asks({"type": "auth", "token": token(**ids), "cursor": CURSOR}))["errors"][0]["field"] == "cursor"


async def test_a_renewal_that_is_refused_changes_nothing(running: Running) -> None:
    async with live(running) as client:
        assert (await client.asks({"type": "auth", "token": "forged"}))["code"] == "token_is_not_valid"
        assert (await client.asks({"type": "ping"}))["type"] == "pong"


async def test_who_leaves_is_forgotten(running: Running, hub: Telling) -> None:
    async with live(running):
        assert len(hub.connections) == 1
    async with live(running):
        assert len(hub.connections) == 1
    assert running.gateway.live.open or hub.connections == []


async def test_without_a_hub_nothing_is_live() -> None:
    async with running_gateway() as dark:
        assert await refusal(dark, bearer()) == (503, "service_is_unavailable")
        assert await refusal(dark, {}) == (503, "service_is_unavailable")


async def test_plain_http_is_told_to_upgrade(running: Running) -> None:
    answer = await running.client.get("/api/collab/ws")
    assert (answer.status_code, answer.json()["code"], answer.headers["upgrade"]) == (426, "upgrade_is_expected", "websocket")
    assert (await running.client.post("/api/collab/ws")).status_code == 405


async def test_other_paths_take_no_sockets(running: Running) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(f"{running.url.replace('http', 'ws')}/api/collab/threads", proxy=None):
            pass
    assert refused.value.response.status_code == 404


async def test_a_stop_sends_all_away_before_it_waits() -> None:
    async with running_gateway(hub=Telling()) as stopping:
        async with live(stopping) as client:
            before = time.monotonic()
            await stopping.gateway.live.stop()
            assert await client.ended() == 1012
            assert "come back in" in (client.socket.close_reason or "")
            assert await refusal(stopping, bearer()) == (503, "gateway_restarts")
        assert time.monotonic() - before < 2


async def test_being_connected_is_asked_for_once(running: Running) -> None:
    async with live(running):
        assert len(running.neighbours.calls(AUTHORIZE)) == 1
