"""The table of routes: what each asks, of whom, and how the answer is shown."""

from uuid import UUID

import pytest

from services.gateway.openapi import document
from services.gateway.routing import ROUTES, Route
from shared.contracts.identity.sessions import AUTHORIZE, LOG_OUT, REGISTER_USER, SessionHasEnded
from shared.contracts.identity.users import SET_ROLE, EmailIsTaken
from shared.contracts.messages.messages import DELETE_MESSAGE, LIST_MESSAGES, POST_MESSAGE, ListMessages, PostMessage
from shared.contracts.refusals import STATUSES, PermissionIsMissing, Refusal, ServiceIsUnavailable
from shared.contracts.threads.access import ThreadNotFound
from shared.contracts.threads.threads import CHANGE_THREAD, OPEN_THREAD
from shared.identifiers import new_id
from tests.system.attachments.tus import asking
from tests.unit.gateway.neighbours import BEGUN, MESSAGE, MESSAGE_JSON, POST_PATH, THREAD, Running, signed_in

LINKED = {"sourceType": "message", "sourceId": str(MESSAGE), "targetType": "THREAD", "targetId": str(THREAD)}
BODIES = {
    "register_user": {"email": "ada@example.org", "password": "correct horse", "name": "Ada"},
    "log_in": {"email": "ada@example.org", "password": "correct horse"},
    "refresh_session": {"refreshToken": "token"},
    "log_out": {"refreshToken": "token"},
    "change_me": {"name": "Ada"},
    "verify_email": {"token": "token"},
    "request_reset": {"email": "ada@example.org"},
    "reset_password": {"token": "token", "password": "correct horse"},
    "change_password": {"currentPassword": "correct horse", "newPassword": "battery staple"},
    "suspend_user": {"reason": "Sends spam"},
    "reinstate_user": {},
    "set_role": {"role": "agent"},
    "create_role": {"name": "auditor", "permissions": ["audit:log:read"]},
    "change_role": {"description": "Reads the log"},
    "create_workspace": {"name": "Lab"},
    "change_workspace": {"name": "Lab"},
    "switch_workspace": {"workspaceId": str(MESSAGE)},
    "change_member": {"role": "agent"},
    "create_invitation": {"role": "agent"},
    "accept_invitation": {"token": "token"},
    "create_service_account": {"name": "Bot"},
    "create_service_token": {"name": "main", "scopes": ["chat:message:read"]},
    "open_thread": {"title": "Trip", "bookingId": "B-1"},
    "change_thread": {"title": "Trip"},
    "add_participant": {"name": "Ann"},
    "change_participant": {"status": "muted"},
    "post_message": {"content": "hello"},
    "edit_message": {"content": "hello"},
    "mark_read": {"lastMessageId": str(MESSAGE)},
    "mark_unread": {"fromMessageId": str(MESSAGE)},
    "mark_delivered": {"lastMessageId": str(MESSAGE)},
    "begin_presigned_upload": {"filename": "a.txt", "size": 5, "sha256": "0" * 64},
    "create_project": {"name": "Turin"},
    "change_project": {"name": "Turin"},
    "add_project_member": {"userId": str(MESSAGE)},
    "change_project_member": {"role": "OWNER"},
    "create_column": {"name": "Review"},
    "change_column": {"name": "Review"},
    "create_task": {"title": "Book it"},
    "change_task": {"title": "Book it"},
    "move_task": {"columnId": str(MESSAGE)},
    "create_file": {"path": "a.ts"},
    "change_file": {"content": "a"},
    "move_files": {"fromPath": "a", "toPath": "b"},
    "create_site_page": {"name": "Page", "route": "/", "structure": {"type": "page"}},
    "change_site_page": {"name": "Page"},
    "link_in_project": LINKED,
    "link_in_thread": LINKED,
    "mark_threads_read": {"threads": [{"threadId": str(THREAD), "lastMessageId": str(MESSAGE)}]},
}
ANSWERS = {
    "register_user": b'{"user":{"id":"%b"}}' % str(MESSAGE).encode(),
    "create_role": b'{"name":"auditor"}',
    "begin_presigned_upload": b'{"uploadId":"%b"}' % str(MESSAGE).encode(),
    "finish_presigned_upload": b'{"url":"/api/collab/attachments/%b"}' % str(MESSAGE).encode(),
    "link_attachment": b'{"url":"/api/collab/links/token"}',
    "upload_voice": b'{"url":"/api/collab/attachments/%b"}' % str(MESSAGE).encode(),
    "upload_attachments": b'{"attachments":[{"url":"/api/collab/attachments/%b"}]}' % str(MESSAGE).encode(),
}
VERSIONED = b'{"id":"%b","userId":"%b","version":1}' % (str(MESSAGE).encode(), str(MESSAGE).encode())
ANSWERS |= dict.fromkeys(("get_file", "create_file", "change_file", "get_site_page", "create_site_page", "change_site_page"), VERSIONED)
ANSWERS["add_project_member"] = VERSIONED
ANSWERS |= dict.fromkeys(("get_related", "get_impact", "find_path"), b'{"engine":"sql"}')
ANSWERS["create_resumable_upload"] = BEGUN.model_dump_json().encode()
QUERIES = {"find_path": {"from": f"message:{MESSAGE}", "to": f"thread:{THREAD}"}, "get_presence": {"users": str(MESSAGE)}}
FILES = {"file": ("a.txt", b"hello")}
KNOWN_REFUSALS = sorted((refusal for refusal in Refusal.known.values()), key=lambda refusal: refusal.code)


def path_of(route: Route) -> str:
    return route.path.format_map(dict.fromkeys(route.parameters, str(MESSAGE)) | {"threadId": str(THREAD)})


async def ask(running: Running, route: Route, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    if route.name in ANSWERS:
        running.neighbours.answers.setdefault(route.operation, ANSWERS[route.name])
    files = FILES if route.begins else None
    content = b"hello" if route.reads and route.method == "PATCH" else None
    asking_headers = asking(route.method, str(THREAD)) if route.reads else {}
    answer = await running.client.request(
        route.method,
        path_of(route),
        params=QUERIES.get(route.name),
        json=BODIES.get(route.name),
        content=content,
        files=files,
        headers={**asking_headers, **headers},
    )
    return answer.status_code, dict(answer.headers), answer.content


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_every_route_asks_its_operation_and_answers_as_documented(running: Running, route: Route) -> None:
    status, _, _ = await ask(running, route, signed_in() if route.needs else {})
    assert (status, len(running.neighbours.calls(route.operation))) == (route.status, 1)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.needs], ids=lambda route: route.name)
async def test_a_route_that_needs_a_permission_asks_for_it_and_refuses_without(running: Running, route: Route) -> None:
    def refuse(request: object) -> None:
        raise PermissionIsMissing

    assert (await ask(running, route, {}))[0] == 401
    running.neighbours.authorize = refuse  # type: ignore[assignment]
    status, _, body = await ask(running, route, signed_in())
    assert (status, b'"code":"permission_is_missing"' in body or route.method == "HEAD") == (403, True)
    assert [asked.request.permission for asked in running.neighbours.calls(AUTHORIZE)] == [route.needs]  # type: ignore[attr-defined]
    assert running.neighbours.calls(route.operation) == []


async def test_a_session_that_has_ended_is_refused_though_its_token_is_good(running: Running) -> None:
    headers = signed_in()
    assert (await running.client.post(POST_PATH, json={"content": "one"}, headers=headers)).status_code == 201

    def ended(request: object) -> None:
        raise SessionHasEnded

    running.neighbours.authorize = ended  # type: ignore[assignment]
    answer = await running.client.post(POST_PATH, json={"content": "two"}, headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]) == (401, "session_has_ended", "Bearer")


async def test_a_post_is_answered_with_the_bytes_of_the_service_and_its_place(running: Running) -> None:
    user = new_id()
    answer = await running.client.post(POST_PATH, json={"content": "hello", "channel": "note"}, headers=signed_in(user))
    assert (answer.status_code, answer.content) == (201, MESSAGE_JSON)
    assert answer.headers["location"] == f"/api/collab/messages/{MESSAGE}"
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
    assert "idempotent-replayed" not in answer.headers
    (asked,) = running.neighbours.calls(POST_MESSAGE)
    assert asked.request == PostMessage(thread_id=THREAD, content="hello", channel="note")
    assert asked.principal is not None
    assert asked.principal.user_id == user


async def test_a_replayed_post_says_so(running: Running) -> None:
    running.neighbours.outcome = "replay"
    answer = await running.client.post(POST_PATH, json={"content": "hello"}, headers=signed_in())
    assert (answer.status_code, answer.headers["idempotent-replayed"]) == (201, "true")


async def test_registering_tells_where_the_user_is(running: Running) -> None:
    running.neighbours.answers[REGISTER_USER] = b'{"accessToken":"t","user":{"id":"u-1"}}'
    answer = await running.client.post("/api/auth/register", json=BODIES["register_user"])
    assert (answer.status_code, answer.headers["location"]) == (201, "/api/users/u-1")
    password = running.neighbours.calls(REGISTER_USER)[0].request.password  # type: ignore[attr-defined]
    assert password.get_secret_value() == "correct horse"


async def test_a_delete_says_nothing(running: Running) -> None:
    answer = await running.client.delete(f"/api/collab/messages/{MESSAGE}", headers=signed_in())
    assert (answer.status_code, answer.content, "content-type" in answer.headers) == (204, b"", False)
    assert running.neighbours.calls(DELETE_MESSAGE)[0].request.message_id == MESSAGE  # type: ignore[attr-defined]


async def test_signing_out_says_nothing_and_needs_no_bearer(running: Running) -> None:
    answer = await running.client.post("/api/auth/logout", json={"refreshToken": "whatever"})
    assert (answer.status_code, answer.content, len(running.neighbours.calls(LOG_OUT))) == (204, b"", 1)


async def test_only_the_fields_that_are_sent_reach_a_change(running: Running) -> None:
    await running.client.patch(f"/api/collab/threads/{THREAD}", json={"ref": None}, headers=signed_in())
    assert running.neighbours.calls(CHANGE_THREAD)[0].request.model_fields_set == {"thread_id", "ref"}


async def test_a_query_becomes_a_request_and_what_it_does_not_know_is_ignored(running: Running) -> None:
    answer = await running.client.get(f"{POST_PATH}?limit=5&after=abc&colour=blue&threadId={new_id()}", headers=signed_in())
    assert answer.status_code == 200
    assert running.neighbours.calls(LIST_MESSAGES)[0].request == ListMessages(thread_id=THREAD, limit=5, after="abc")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=many", "limit=", "limit=1.5", "limit=5&limit=6"])
async def test_a_limit_that_is_none_is_invalid(running: Running, query: str) -> None:
    answer = await running.client.get(f"{POST_PATH}?{query}", headers=signed_in())
    assert (answer.status_code, answer.json()["code"]) == (422, "request_is_invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["limit"]


@pytest.mark.parametrize("refusal", KNOWN_REFUSALS, ids=lambda refusal: refusal.code)
async def test_every_refusal_is_a_problem_with_the_status_of_its_kind(running: Running, refusal: type[Refusal]) -> None:
    running.neighbours.answers[POST_MESSAGE] = refusal()
    answer = await running.client.post(POST_PATH, json={"content": "x"}, headers={**signed_in(), "X-Request-Id": "r-1"})
    assert answer.status_code == STATUSES[refusal.kind]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"urn:atrium:{refusal.code}",
        "title": refusal.code.replace("_", " ").capitalize(),
        "status": STATUSES[refusal.kind],
        "code": refusal.code,
        "detail": refusal.detail,
        "requestId": "r-1",
    }


async def test_an_unavailable_service_is_told_with_when_to_try_again(running: Running) -> None:
    running.neighbours.answers[POST_MESSAGE] = ServiceIsUnavailable(retry_after=3)
    answer = await running.client.post(POST_PATH, json={"content": "x"}, headers=signed_in())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")


@pytest.mark.parametrize("refusal", [refusal for refusal in KNOWN_REFUSALS if refusal.kind in ("too_many", "unavailable")])
async def test_who_should_try_again_is_told_when(running: Running, refusal: type[Refusal]) -> None:
    running.neighbours.answers[POST_MESSAGE] = refusal()
    answer = await running.client.post(POST_PATH, json={"content": "x"}, headers=signed_in())
    assert answer.headers["retry-after"] == "1"


async def test_what_goes_wrong_here_leaks_nothing(running: Running) -> None:
    running.neighbours.answers[POST_MESSAGE] = RuntimeError("secret of the house")
    answer = await running.client.post(POST_PATH, json={"content": "x"}, headers=signed_in())
    assert (answer.status_code, answer.json()["code"], b"secret" in answer.content) == (500, "internal_error", False)
    assert answer.headers["x-request-id"] == answer.json()["requestId"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/collab/threads/{}", "thread_not_found"),
        ("DELETE", "/api/collab/threads/{}", "thread_not_found"),
        ("GET", "/api/collab/threads/{}/messages", "thread_not_found"),
        ("POST", "/api/collab/threads/{}/messages", "thread_not_found"),
        ("GET", "/api/collab/messages/{}", "message_not_found"),
        ("PATCH", "/api/users/{}", "user_not_found"),
    ],
)
@pytest.mark.parametrize("wrong", ["1", f"{{{THREAD}}}", f"urn:uuid:{THREAD}", THREAD.hex, "%00", f"{THREAD}%0A", "ℵ"])
async def test_an_id_that_is_none_is_missing_like_any_other(running: Running, method: str, path: str, code: str, wrong: str) -> None:
    answer = await running.client.request(method, path.format(wrong), headers=signed_in(), json={})
    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_a_missing_thing_and_an_id_that_is_none_are_equal_byte_for_byte(running: Running) -> None:
    running.neighbours.answers = {route.operation: ThreadNotFound() for route in ROUTES}
    headers = {**signed_in(), "X-Request-Id": "same"}
    missing = await running.client.get(f"/api/collab/threads/{new_id()}", headers=headers)
    wrong = await running.client.get("/api/collab/threads/none", headers=headers)
    assert missing.content == wrong.content


async def test_ids_are_taken_in_capitals_too(running: Running) -> None:
    await running.client.post(
        POST_PATH.upper().replace("/API/COLLAB/THREADS", "/api/collab/threads").replace("MESSAGES", "messages"),
        json={"content": "x"},
        headers=signed_in(),
    )
    assert UUID(str(running.neighbours.calls(POST_MESSAGE)[0].request.thread_id)) == THREAD  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/", "/api/nothing", "/api/collab/threads/", f"{POST_PATH}/", "//api/collab/threads", "/x/%ff"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_an_unknown_path_is_not_found(running: Running, method: str, path: str) -> None:
    answer = await running.client.request(method, running.url + path, headers=signed_in())
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["requestId"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/collab/threads", "GET, HEAD, POST"),
        (f"/api/collab/threads/{THREAD}", "DELETE, GET, HEAD, PATCH"),
        ("/api/auth/login", "POST"),
        ("/healthz", "GET, HEAD"),
        ("/api/docs", "GET, HEAD"),
    ],
)
async def test_another_method_is_told_which_are_taken(running: Running, path: str, allowed: str) -> None:
    answer = await running.client.put(path)
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "method_is_not_allowed", allowed)


async def test_head_is_get_without_the_body(running: Running) -> None:
    headers = {**signed_in(), "X-Request-Id": "same"}
    got = await running.client.get(f"/api/collab/messages/{MESSAGE}", headers=headers)
    head = await running.client.head(f"/api/collab/messages/{MESSAGE}", headers=headers)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", got.headers["content-length"])


async def test_a_conflict_of_the_service_comes_through(running: Running) -> None:
    running.neighbours.answers[REGISTER_USER] = EmailIsTaken()
    answer = await running.client.post("/api/auth/register", json=BODIES["register_user"])
    assert (answer.status_code, answer.json()["code"]) == (409, "email_is_taken")


async def test_roles_are_set_on_the_user_of_the_path(running: Running) -> None:
    await running.client.patch(f"/api/users/{MESSAGE}", json={"role": "agent"}, headers=signed_in())
    request = running.neighbours.calls(SET_ROLE)[0].request
    assert request.model_dump(mode="json") == {"userId": str(MESSAGE), "role": "agent"}


async def test_opening_a_thread_tells_where_it_is(running: Running) -> None:
    running.neighbours.answers[OPEN_THREAD] = b'{"id":"%b"}' % str(THREAD).encode()
    answer = await running.client.post("/api/collab/threads", json=BODIES["open_thread"], headers=signed_in())
    assert answer.headers["location"] == f"/api/collab/threads/{THREAD}"


# What gives out a secret, or a mail, is not given out again to whoever knows a key (API.md).
NEVER_REPLAYED = {"register_user", "create_invitation", "create_service_token", "rotate_service_token", "link_attachment"}


def test_every_post_that_makes_something_takes_an_idempotency_key() -> None:
    making = {route.name for route in ROUTES if route.method == "POST" and route.status == 201}
    keyed = {route.name for route in ROUTES if route.operation.keyed}
    assert keyed == making - NEVER_REPLAYED


@pytest.mark.parametrize("route", [route for route in ROUTES if route.operation.keyed], ids=lambda route: route.name)
async def test_a_key_travels_with_the_call(running: Running, route: Route) -> None:
    for key in ("a key", None):
        await ask(running, route, signed_in() | ({"Idempotency-Key": key} if key else {}))
        asked = running.neighbours.calls(route.operation)[-1]
        assert asked.context.idempotency_key == (key or "")


@pytest.mark.parametrize("route", [route for route in ROUTES if not route.operation.keyed], ids=lambda route: route.name)
async def test_other_routes_ignore_a_key(running: Running, route: Route) -> None:
    status, _, _ = await ask(running, route, signed_in() | {"Idempotency-Key": "x" * 300})
    assert (status, running.neighbours.calls(route.operation)[0].context.idempotency_key) == (route.status, "")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_key_is_documented_where_it_is_taken(route: Route) -> None:
    described = document(ROUTES, [])["paths"][route.path][route.method.lower()]
    named = [parameter["name"] for parameter in described["parameters"] if parameter["in"] == "header"]
    assert ("Idempotency-Key" in named) == route.operation.keyed
    assert ("Idempotent-Replayed" in described["responses"][str(route.status)].get("headers", {})) == route.operation.keyed
