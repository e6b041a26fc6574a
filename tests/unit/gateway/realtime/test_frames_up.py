"""What can be said over a WebSocket. Posts and marks are what they are over HTTP."""

import asyncio
from uuid import UUID

import pytest

from services.gateway.realtime.connections import Connection
from shared.contracts.gateway.presence import ShowPresence
from shared.contracts.identity.sessions import AUTHORIZE
from shared.contracts.messages.messages import POST_MESSAGE
from shared.contracts.messages.receipts import MARK_READ
from shared.contracts.model import Nothing, View
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.threads.access import ThreadIsArchived
from shared.identifiers import new_id
from tests.unit.gateway.neighbours import MESSAGE, THREAD, Running, running_gateway, token
from tests.unit.gateway.realtime.telling import Json, Telling, live

CURSOR = "0000000017"
POST: Json = {"type": "post", "threadId": str(THREAD), "content": "hello", "id": 1}


async def test_a_post_is_answered_with_the_message(running: Running) -> None:
    async with live(running) as client:
        told = await client.asks(POST)
    assert told == {"type": "reply", "id": 1, "data": {"id": str(MESSAGE), "threadId": str(THREAD), "content": "héllo"}}
    (asked,) = running.neighbours.calls(POST_MESSAGE)
    assert asked.request.model_dump(include={"thread_id", "content"}) == {"threadId": THREAD, "content": "hello"}
    assert [each.request.permission for each in running.neighbours.calls(AUTHORIZE)] == [  # type: ignore[attr-defined]
        Permission.ROOM_READ,
        Permission.MESSAGE_SEND,
    ]


async def test_a_post_has_a_deadline_a_trace_and_its_key(running: Running) -> None:
    async with live(running) as client:
        await client.asks(POST | {"idempotencyKey": "k-1"})
        await client.asks(POST)
    first, second = (asked.context for asked in running.neighbours.calls(POST_MESSAGE))
    assert (first.idempotency_key, second.idempotency_key) == ("k-1", "")
    assert 0 < first.remaining() <= 10
    assert (first.trace != second.trace, first.request_id != second.request_id) == (True, True)


async def test_a_replayed_post_says_so(running: Running) -> None:
    running.neighbours.outcome = "replay"
    async with live(running) as client:
        assert (await client.asks(POST | {"idempotencyKey": "k-1"}))["replayed"] is True


async def test_a_mark_is_answered_with_what_is_unread(running: Running) -> None:
    running.neighbours.answers[MARK_READ] = b'{"unreadCount":0}'
    async with live(running) as client:
        mark = {"type": "read", "threadId": str(THREAD), "lastMessageId": str(MESSAGE), "id": "m"}
        assert await client.asks(mark) == {"type": "reply", "id": "m", "data": {"unreadCount": 0}}


@pytest.mark.parametrize(
    ("frame", "status", "code"),
    [
        ({"threadId": "nonsense"}, 404, "thread_not_found"),
        ({"threadId": None}, 422, "request_is_invalid"),
        ({"threadId": 5}, 422, "request_is_invalid"),
        ({"content": "x" * 10_001}, 422, "request_is_invalid"),
        ({"unknown": 1}, 422, "request_is_invalid"),
        ({"idempotencyKey": ""}, 422, "request_is_invalid"),
        ({"idempotencyKey": 5}, 422, "request_is_invalid"),
    ],
)
async def test_a_post_that_is_not_right_is_refused_as_over_http(running: Running, frame: Json, status: int, code: str) -> None:
    async with live(running) as client:
        told = await client.asks(POST | frame)
        assert (told["type"], told["id"], told["status"], told["code"]) == ("refused", 1, status, code)
        assert (await client.asks({"type": "ping"}))["type"] == "pong"


@pytest.mark.parametrize("raised", [ThreadIsArchived, ServiceIsUnavailable])
async def test_the_services_refusals_come_through(running: Running, raised: type[ThreadIsArchived | ServiceIsUnavailable]) -> None:
    running.neighbours.answers[POST_MESSAGE] = raised()
    async with live(running) as client:
        told = await client.asks(POST)
    assert (told["status"], told["code"], told["detail"]) == (raised().status, raised.code, raised.detail)
    assert told.get("retryAfter") == raised().retry_after


async def test_what_fails_on_our_side_leaks_nothing(running: Running) -> None:
    running.neighbours.answers[POST_MESSAGE] = RuntimeError("secret")
    async with live(running) as client:
        told = await client.asks(POST)
        assert (told["status"], told["code"], "secret" in str(told)) == (500, "internal_error", False)
        assert (await client.asks({"type": "ping"}))["type"] == "pong"


async def test_posts_over_a_socket_count_with_those_over_http() -> None:
    async with running_gateway(hub=Telling(), messages_per_minute=2) as limited:
        user = str(new_id())
        access = token(sub=user)
        async with live(limited, access=access) as client:
            assert (await client.asks(POST))["type"] == "reply"
            path = f"/api/collab/threads/{THREAD}/messages"
            assert (
                await limited.client.post(path, json={"content": "x"}, headers={"Authorization": f"Bearer {access}"})
            ).status_code == 201
            told = await client.asks(POST)
            assert (told["status"], told["code"], 0 < told["retryAfter"] <= 60) == (429, "rate_limit_is_reached", True)


async def test_frames_are_done_in_their_order(running: Running) -> None:
    async with live(running) as client:
        for number in range(40):
            await client.says(POST | {"id": number, "content": str(number)})
        assert [(await client.hears())["id"] for _ in range(40)] == list(range(40))
    said = [asked.request.model_dump()["content"] for asked in running.neighbours.calls(POST_MESSAGE)]
    assert said == [str(number) for number in range(40)]


async def test_without_an_id_nothing_is_answered_but_refusals_and_pings(running: Running) -> None:
    async with live(running) as client:
        await client.says({name: value for name, value in POST.items() if name != "id"})
        assert await client.asks({"type": "ping"}) == {"type": "pong"}
        assert "id" not in await client.asks({"type": "nonsense"})


@pytest.mark.parametrize("frame", [{"type": "nonsense", "id": 1}, {"id": 1}, {"type": ["ping"], "id": 1}, {"type": {}, "id": 1}])
async def test_an_unknown_frame_is_refused_and_the_socket_stays(running: Running, frame: Json) -> None:
    async with live(running) as client:
        told = await client.asks(frame)
        assert (told["type"], told["id"], told["status"], told["code"]) == ("refused", 1, 422, "frame_is_not_known")
        assert await client.asks({"type": "ping", "id": "p"}) == {"type": "pong", "id": "p"}


@pytest.mark.parametrize("id", [{}, [1], 1.5, "x" * 65])
async def test_an_id_is_a_number_or_a_short_text(running: Running, id: object) -> None:
    async with live(running) as client:
        assert (await client.asks({"type": "ping", "id": id}))["errors"][0]["field"] == "id"


class Heard:
    """Takes what nobody keeps, and remembers it."""

    def __init__(self) -> None:
        self.typed: list[tuple[UUID, bool]] = []
        self.shown: list[ShowPresence] = []

    async def typing(self, principal: Principal, thread_id: UUID, is_typing: bool) -> None:
        self.typed.append((thread_id, is_typing))

    async def presence(self, connection: Connection, request: ShowPresence) -> View:
        self.shown.append(request)
        return Nothing()

    def heard(self, connection: Connection) -> None: ...


async def test_typing_and_presence_go_to_whom_they_are_for() -> None:
    async with running_gateway(hub=Telling()) as own, live(own) as client:
        own.gateway.live.transient = heard = Heard()
        told = await client.asks({"type": "typing", "threadId": str(THREAD), "isTyping": True, "id": 1})
        assert (told, heard.typed) == ({"type": "reply", "id": 1, "data": {}}, [(THREAD, True)])
        assert (await client.asks({"type": "presence", "status": "away", "id": 2}))["type"] == "reply"
        assert [shown.status for shown in heard.shown] == ["away"]
        assert (await client.asks({"type": "typing", "threadId": "x", "isTyping": True}))["status"] == 422


async def test_resuming_goes_back_to_the_cursor(running: Running, hub: Telling) -> None:
    async with live(running) as client:
        await client.says({"type": "resume", "cursor": CURSOR, "id": 1})
        assert [(await client.hears())["type"] for _ in range(2)] == ["ready", "reply"]
        assert hub.followed[-1] == CURSOR
        told = await client.asks({"type": "resume", "cursor": "nonsense", "id": 2})
        assert (told["status"], told["code"]) == (400, "cursor_is_not_valid")
        assert (await client.asks({"type": "ping"}))["type"] == "pong"


async def test_subscriptions_are_kept_and_taken_back(running: Running, hub: Telling) -> None:
    thread, project = str(new_id()), str(new_id())
    async with live(running) as client:
        frame = {"type": "subscribe", "threads": [thread], "projects": [project], "types": ["messagePosted"], "id": 1}
        assert (await client.asks(frame))["data"] == {"names": 3}
        (connection,) = hub.connections
        assert connection.interests is not None
        assert ({str(key) for key in connection.interests.keys}, connection.interests.types) == ({thread, project}, {"messagePosted"})
        assert (await client.asks({"type": "unsubscribe", "threads": [thread], "id": 2}))["data"] == {"names": 2}
        await client.asks({"type": "unsubscribe", "projects": [project], "types": ["messagePosted"], "id": 3})
        assert connection.interests is None


async def test_ten_thousand_subscriptions_are_refused_and_not_kept(running: Running, hub: Telling) -> None:
    async with live(running) as client:
        for part in range(20):
            told = await client.asks({"type": "subscribe", "threads": [str(new_id()) for _ in range(500)], "id": part})
            assert (told["type"], told.get("code")) == (("reply", None) if part < 2 else ("refused", "too_many_subscriptions"))
        (connection,) = hub.connections
        assert connection.interests is not None
        assert connection.interests.size == 1_000


async def test_a_quiet_client_gets_a_fresh_cursor(running: Running) -> None:
    hub = Telling()
    async with running_gateway(hub=hub, bounds={"every": 0.3, "answer": 0.2}) as quick, live(quick) as client:
        first = await client.hears()
        assert (first["type"], first["cursor"]) == ("heartbeat", hub.cursor)
        hub.seq += 7
        later = await client.hears()
        assert (later["type"], later["cursor"]) == ("heartbeat", hub.cursor)


async def test_a_post_is_done_though_its_client_leaves(running: Running) -> None:
    async with live(running) as client:
        await client.says(POST | {"content": "last words"})
        await asyncio.sleep(0)
    async with asyncio.timeout(2):
        while not running.neighbours.calls(POST_MESSAGE):
            await asyncio.sleep(0.01)
