"""Whatever is sent to whichever route: a problem that says what is wrong, and never a failure of ours."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, product
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import pytest_asyncio

from services.gateway.bodies import DEPTH, MOST_BYTES
from services.gateway.live_routing import LIVE_ROUTES, AnyRoute
from services.gateway.routing import OWN_ROUTES, ROUTES, Route
from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.attachments.tus import asking
from tests.system.house import House
from tests.system.people import PASSWORD, Json, Person, expect, opening, refusal, wrong_fields
from tests.system.requests.things import things_of

WITH_BODY = [route for route in ROUTES if route.body]
WITH_ID = [route for route in ROUTES if route.parameters and route.is_id(route.parameters[0])]
EVERY: list[AnyRoute] = [*ROUTES, *OWN_ROUTES, *LIVE_ROUTES]
PATHS = sorted({route.path for route in EVERY})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE")


SPARE = 200  # files, of which each can be moved once


@dataclass
class Desk:
    """An admin, what there is that paths name, and everything that can be sent about it."""

    admin: Person
    ids: dict[str, str]
    spare: Iterator[int] = field(default_factory=count)
    """Which of the spare files is moved next."""

    def path(self, route: Route | str) -> str:
        path = route if isinstance(route, str) else route.path
        for parameter, value in self.ids.items():
            path = path.replace(f"{{{parameter}}}", value)
        return path

    def good_body(self, route: Route) -> Json:
        """What the route takes, new each time."""
        if route.name == "move_files":
            return {"fromPath": f"spare/{next(self.spare)}", "toPath": "b.ts"}
        bodies: dict[str, Json] = {
            "register_user": {"email": f"{new_id().hex}@new.example", "password": PASSWORD, "name": "New"},
            "log_in": {"email": self.admin.user["email"], "password": PASSWORD},
            "refresh_session": {"refreshToken": "one that was never given out"},
            "log_out": {"refreshToken": "one that was never given out"},
            "change_me": {"currentStatus": "online"},
            "verify_email": {"token": "one that was never mailed"},
            "request_reset": {"email": self.admin.user["email"]},
            "reset_password": {"token": "one that was never mailed", "password": PASSWORD},
            "change_password": {"currentPassword": PASSWORD, "newPassword": PASSWORD},
            "suspend_user": {"reason": "Sends spam"},
            "reinstate_user": {},
            "set_role": {"role": "admin"},
            "create_role": {"name": f"r{new_id().hex[-20:]}", "permissions": ["chat:room:read"]},
            "change_role": {"description": "Another"},
            "create_workspace": {"name": "Lab"},
            "change_workspace": {"name": "Atrium"},
            "switch_workspace": {"workspaceId": self.ids["workspaceId"]},
            "change_member": {"role": "admin"},
            "create_invitation": {"role": "client"},
            "accept_invitation": {"token": "one that was never given out"},
            "create_service_account": {"name": "Bot"},
            "create_service_token": {"name": "main", "scopes": ["chat:room:read"]},
            "open_thread": opening("booking"),
            "change_thread": {"title": "Another"},
            "add_participant": {"name": f"New {new_id()}"},
            "change_participant": {"name": "Ada"},
            "post_message": {"content": "Hello"},
            "edit_message": {"content": "Hello again"},
            "set_typing": {"isTyping": False},
            "mark_read": {"lastMessageId": self.ids["messageId"]},
            "mark_unread": {"fromMessageId": self.ids["messageId"]},
            "mark_delivered": {"lastMessageId": self.ids["messageId"]},
            "begin_presigned_upload": {"filename": "a.txt", "size": 5, "sha256": "0" * 64},
            "create_project": {"name": "Turin"},
            "change_project": {"name": "Milan"},
            "add_project_member": {"userId": self.ids["userId"]},
            "change_project_member": {"role": "MEMBER"},
            "create_column": {"name": "Review"},
            "change_column": {"name": "Review"},
            "create_task": {"title": "Book it"},
            "change_task": {"title": "Book it"},
            "move_task": {"columnId": self.ids["columnId"]},
            "create_file": {"path": f"{new_id()}.ts"},
            "change_file": {"content": "a"},
            "create_site_page": {"name": "Page", "route": f"/{new_id()}", "structure": {"type": "page"}},
            "change_site_page": {"name": "Page"},
            "link_in_project": self.ends,
            "link_in_thread": self.ends,
            "mark_threads_read": {"threads": [{"threadId": self.ids["threadId"], "lastMessageId": self.ids["messageId"]}]},
        }
        return bodies[route.name]

    @property
    def ends(self) -> Json:
        return {"sourceType": "page", "sourceId": self.ids["pageId"], "targetType": "TASK", "targetId": self.ids["taskId"]}

    async def send(self, route: Route, content: bytes, content_type: str = "application/json", **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()} | {"content-type": content_type}
        return await self.admin.http.request(
            route.method, self.path(route), content=content, headers={**(self.admin.bearer if route.needs else {}), **named}
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(house: House) -> Desk:
    admin = await house.person(Role.ADMIN)
    made = Desk(admin, await things_of(admin, await house.person()))
    for place in range(SPARE):
        expect(await admin.post(made.path("/api/projects/{projectId}/files"), {"path": f"spare/{place}"}), 201)
    return made


MALFORMED = {
    "nothing": b"",
    "blanks": b"  ",
    "text": b"hello",
    "half": b'{"a":',
    "two": b"{}{}",
    "single quotes": b"{'a': 1}",
    "a comment": b"{} // done",
    "a trailing comma": b'{"a": 1,}',
    "a key twice": b'{"content": "a", "content": "b"}',
    "a key twice, deep": b'{"a": [{"b": 1, "b": 2}]}',
    "a key twice, escaped": b'{"a": 1, "\\u0061": 2}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a number out of range": b'{"a": 1e999}',
    "a number of many digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "a leading nought": b'{"a": 01}',
    "half a pair": b'{"a": "\\ud83d"}',
    "half a pair in a key": b'{"\\udc00": 1}',
    "Latin-1": '{"a": "é"}'.encode("latin-1"),
    "UTF-16": '{"a": "é"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a NUL byte": b'{"a": "\0"}',
    "a line break in a text": b'{"a": "\n"}',
    "too deep": b'{"a":' * (DEPTH + 1) + b"1" + b"}" * (DEPTH + 1),
    "far too deep": b"[" * 500_000,
}


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_what_is_no_json_is_malformed(route: Route, desk: Desk) -> None:
    for name, content in MALFORMED.items():
        assert refusal(await desk.send(route, content)) == (400, "request_is_malformed"), name


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_what_is_no_object_is_invalid(route: Route, desk: Desk) -> None:
    for content in (b"null", b"true", b"7", b'"text"', b"[]", b"[{}]"):
        assert wrong_fields(await desk.send(route, content)) == {"body": "not_an_object"}


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_an_unknown_field_is_refused(route: Route, desk: Desk) -> None:
    body = desk.good_body(route) | {"unheardOf": 1}
    answer = await desk.admin.http.request(route.method, desk.path(route), json=body, headers=desk.admin.bearer)
    assert wrong_fields(answer) == {"unheardOf": "unknown_field"}


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_json_in_utf_8_is_the_only_media_type(route: Route, desk: Desk) -> None:
    types = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin-1")
    for media_type in types:
        assert refusal(await desk.send(route, b"{}", media_type)) == (415, "media_type_is_not_supported")
    assert refusal(await desk.send(route, b"{}", content_encoding="gzip")) == (415, "media_type_is_not_supported")


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_a_body_over_a_mebibyte_is_too_large(route: Route, desk: Desk) -> None:
    answer = await desk.send(route, b'"' + b"x" * (MOST_BYTES - 1) + b'"')
    assert refusal(answer) == (413, "body_is_too_large")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_a_body_of_a_mebibyte_is_read(route: Route, desk: Desk) -> None:
    content = b'{"unheardOf": "' + b"x" * (MOST_BYTES - 17) + b'"}'
    assert len(content) == MOST_BYTES
    assert wrong_fields(await desk.send(route, content))["unheardOf"] == "unknown_field"


ANYTHING: list[Any] = [
    *(None, True, 0, -1, 10**30, 1.5, "", " ", "x", "a\0b", "x" * 20_000, "\u202e", "👩", [], [None], [[]], {}, {"a": None}),
    *([{}], ["x"] * 2_000, {"\0": 1}, {"a": "\0"}, "00000000-0000-0000-0000-000000000000", "2026-01-01T00:00:00Z", "'; DROP TABLE users"),
]


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_whatever_a_field_holds_is_taken_or_refused_by_its_name(route: Route, desk: Desk) -> None:
    taken = {422, route.status, *(refusal().status for refusal in route.operation.refuses)}
    for name in sorted(route.fields):
        for value in ANYTHING:
            body = desk.good_body(route) | {name: value}
            answer = await desk.admin.http.request(route.method, desk.path(route), json=body, headers=desk.admin.bearer)
            if answer.status_code == 422:
                assert {error["field"].split(".")[0] for error in answer.json().get("errors", [])} <= {name, "body"}
            assert answer.status_code in taken, answer.text
    for path in ("/api/collab/threads/{threadId}", "/api/projects/{projectId}"):
        await desk.admin.patch(desk.path(path), {"archived": False})


@pytest.mark.parametrize("name", ["list_threads", "list_messages"])
@pytest.mark.parametrize("limit", ["-1", "0", "201", "1000000000", "9" * 5_000, "abc", "", "1.5", "NaN", "0x10", "null", "%00", "١"])
async def test_a_limit_is_from_1_to_200(name: str, limit: str, desk: Desk) -> None:
    answer = await asked(desk, name, f"limit={limit}")
    assert list(wrong_fields(answer)) == ["limit"]


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("list_threads", "offset=-1", "offset"),
        ("list_threads", "offset=1000001", "offset"),
        ("list_threads", "offset=one", "offset"),
        ("list_threads", "archived=perhaps", "archived"),
        ("list_threads", "status=draft", "status"),
        ("list_threads", f"cursor={'x' * 501}", "cursor"),
        ("list_threads", "limit=1&limit=2", "limit"),
        ("list_messages", f"before={'x' * 501}", "before"),
        ("list_messages", f"after={'x' * 501}", "after"),
        ("list_messages", "after=&after=", "after"),
    ],
)
async def test_a_parameter_that_is_wrong_is_named(name: str, query: str, field: str, desk: Desk) -> None:
    assert list(wrong_fields(await asked(desk, name, query))) == [field]


@pytest.mark.parametrize("query", ["%ff=1", "limit=%ff", "&".join(f"a{number}=1" for number in range(101))], ids=["name", "value", "many"])
async def test_a_query_that_cannot_be_read_is_malformed(query: str, desk: Desk) -> None:
    assert refusal(await asked(desk, "list_threads", query)) == (400, "request_is_malformed")


@pytest.mark.parametrize("query", ["unheardOf=1", "a=1&a=2", "=", "&&", "limit=+5", ";", "limit=5#limit=0", "threadId=x"])
async def test_parameters_that_mean_nothing_are_ignored(query: str, desk: Desk) -> None:
    for name in ("list_threads", "list_messages"):
        assert (await asked(desk, name, query)).status_code == 200


@pytest.mark.parametrize(("name", "parameter"), [("list_threads", "cursor"), ("list_messages", "before"), ("list_messages", "after")])
@pytest.mark.parametrize("cursor", ["", "%00", "x", "AAAAAAAAAAAA", "null", "%F0%9F%91%A9", "..%2F..", "A" * 500])
async def test_a_cursor_that_is_not_ours_is_not_valid(name: str, parameter: str, cursor: str, desk: Desk) -> None:
    assert refusal(await asked(desk, name, f"{parameter}={cursor}")) == (400, "cursor_is_not_valid")


NO_IDS = [
    *("x", "0", "%00", "%20", "é", "null", "a" * 5_000, "١" * 36),
    *("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff"),  # the second is of the year 10,889
]


@pytest.mark.parametrize("route", WITH_ID, ids=lambda route: route.name)
async def test_a_path_id_that_is_none_is_missing(route: Route, desk: Desk) -> None:
    assert route.missing
    real = new_id()
    ids = [*NO_IDS, real.hex, f"{{{real}}}", f"urn:uuid:{real}", f"{real}%0A", f"%20{real}"]
    for (parameter, missing), identifier in product(zip(route.parameters, route.missing, strict=True), ids):
        body = desk.good_body(route) if route.body else None
        if missing is None:
            continue  # a name
        path = desk.path(route.path.replace(f"{{{parameter}}}", identifier))
        files = {"file": ("a.txt", b"hello")} if route.begins else None
        headers = desk.admin.bearer | (asking(route.method) if route.reads else {})
        answer = await desk.admin.http.request(route.method, path, json=body, files=files, headers=headers)
        assert answer.status_code == 404, identifier
        assert route.method == "HEAD" or refusal(answer) == (404, missing.code), identifier


@pytest.mark.parametrize("path", PATHS)
async def test_another_method_is_told_which_are_taken(path: str, desk: Desk) -> None:
    taken = {route.method for route in EVERY if route.path == path}
    taken |= {"HEAD"} if "GET" in taken else set()
    for method in set(METHODS) - taken:
        answer = await desk.admin.ask(method, desk.path(path))
        assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(sorted(taken)))
        assert method == "HEAD" or refusal(answer) == (405, "method_is_not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/api", "/api/", "/api/collab", "/api/people", "/api/collab/messages", "/api/collab/threads/x/y", "/favicon.ico"),
        *("/api/auth/me/", "/api/collab/threads/", "/api/collab/threads/x/messages/", "/api/collab//threads", "//api/collab/threads"),
        *("/API/collab/threads", "/%00", "/é", "/" + "a" * 20_000),
        *("/api/docs/assets/nothing.js", "/api/docs/assets/../../../etc/passwd", "/api/docs/assets/%2e%2e/%2e%2e/setup.py"),
    ],
)
async def test_an_unknown_path_is_not_found(path: str, desk: Desk) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = await desk.admin.ask(method, path)
        if method == "GET" or "assets" not in path:
            assert refusal(answer) == (404, "route_not_found")


def _lies() -> Iterator[tuple[str, bytes]]:
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    yield "negative", head + b"Content-Length: -1\r\n\r\n{}"
    yield "no number", head + b"Content-Length: two\r\n\r\n{}"
    yield "twice", head + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "
    yield "beyond all bounds", head + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n{}"
    yield "and chunked", head + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    yield "a chunk that is none", head + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n"


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in _lies()])
async def test_a_length_that_is_none_is_malformed(raw: bytes, house: House) -> None:
    answer = await told(house, raw)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"request_is_malformed"' in answer


async def test_what_follows_a_body_shorter_than_announced_waits_for_the_rest(house: House) -> None:
    """Whoever goes away meanwhile harms nobody."""
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{}"
    _, writer = await _connected(house)
    writer.write(head)
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    assert (await house.http.get("/healthz")).status_code == 200


async def test_a_body_longer_than_announced_is_no_request(house: House) -> None:
    raw = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}garbage\r\n\r\n"
    answer = await told(house, raw)
    assert answer.startswith((b"HTTP/1.1 422 ", b"HTTP/1.1 400 "))
    assert b"HTTP/1.1 5" not in answer


async def asked(desk: Desk, name: str, query: str) -> httpx2.Response:
    """The answer to a query that is sent as it is."""
    (route,) = (route for route in ROUTES if route.name == name)
    return await desk.admin.http.get(f"{desk.path(route)}?{query}", headers=desk.admin.bearer)


async def told(house: House, raw: bytes) -> bytes:
    """Everything that is answered to bytes, until the connection is closed."""
    reader, writer = await _connected(house)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


async def _connected(house: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(house.url)
    return await asyncio.open_connection(address.hostname, address.port)
