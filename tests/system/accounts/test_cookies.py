"""The access token as a cookie: for pictures, files and events on a page, and for nothing else."""

from base64 import urlsafe_b64decode
from http.cookies import Morsel, SimpleCookie
from time import time

import httpx2
import pytest
from pydantic_core import from_json

from tests.system.attachments.files import scanned, upload, with_a_preview
from tests.system.house import House, log_in, running_gateway
from tests.system.people import Person, expect, opening, refusal

COOKIE = "/api/auth/cookie"
NAME = "atrium_access"
ELSEWHERE = (401, "token_is_missing")


def cookie_of(answer: httpx2.Response) -> Morsel[str]:
    return SimpleCookie(answer.headers["set-cookie"])[NAME]


async def by_cookie(person: Person, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await person.http.request(method, path, headers={"cookie": f"a=b; {NAME}={person.access_token}"} | named)


async def picture(house: House, person: Person) -> str:
    """The path of a clean file that has a preview."""
    thread = expect(await person.post("/api/collab/threads", opening("group")), 201)
    attachment = await upload(person, thread)
    await scanned(house, attachment)
    await with_a_preview(house, attachment)
    return str(attachment["url"])


async def test_it_carries_the_token_for_as_long_as_that_is_good_and_no_script_reads_it(client: Person) -> None:
    answer = await client.post(COOKIE, {})
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (204, b"", "no-store")
    cookie = cookie_of(answer)
    assert cookie.value == client.access_token
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["domain"]) == ("/api", True, "Strict", "")
    payload = client.access_token.split(".")[1]
    left = from_json(urlsafe_b64decode(payload + "=="))["exp"] - time()
    assert int(cookie["max-age"]) == pytest.approx(left, abs=5)


@pytest.mark.parametrize(
    ("host", "is_secure"),
    [
        *(("localhost:8080", False), ("app.localhost", False), ("127.0.0.1", False), ("[::1]:8080", False)),
        *(("atrium.example", True), ("127.0.0.1.example", True), ("localhost.example:8080", True), ("[", True)),
    ],
)
async def test_it_is_for_tls_alone_but_on_ones_own_machine(host: str, is_secure: bool, client: Person) -> None:
    cookie = cookie_of(await client.ask("POST", COOKIE, host=host))
    assert bool(cookie["secure"]) is is_secure


async def test_behind_a_proxy_with_tls_it_is_for_tls_alone(house: House, client: Person) -> None:
    async with (
        running_gateway(house.servers, trusted_proxies="127.0.0.1") as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as http,
    ):
        headers = client.bearer | {"host": "localhost", "x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.7"}
        assert cookie_of(await http.post(COOKIE, headers=headers))["secure"]


async def test_files_and_previews_are_shown_by_it(house: House, client: Person) -> None:
    path = await picture(house, client)
    for method in ("GET", "HEAD"):
        for shown in (path, f"{path}/preview?width=320"):
            assert (await by_cookie(client, shown, method)).status_code == 200
    stranger = await house.person()
    assert refusal(await by_cookie(stranger, path)) == (404, "attachment_not_found")


async def test_nothing_else_is_done_by_it(house: House, client: Person) -> None:
    path = await picture(house, client)
    others = [("GET", "/api/auth/me"), ("GET", "/api/collab/threads"), ("POST", "/api/collab/threads"), ("POST", COOKIE)]
    for method, other in (*others, ("DELETE", path), ("POST", f"{path}/link")):
        assert refusal(await by_cookie(client, other, method)) == ELSEWHERE
    assert (await by_cookie(client, path)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "same-site"}, 401),
        ({"sec_fetch_site": "cross-site"}, 401),
        ({"sec_fetch_site": "cross-site", "origin": "http://atrium.example"}, 401),
        ({"sec_fetch_site": ""}, 401),
        ({"origin": "http://atrium.example"}, 200),
        ({"origin": "http://Atrium.example"}, 200),
        ({"origin": "https://app.example"}, 200),
        ({"origin": "http://app.example"}, 401),
        ({"origin": "https://evil.example"}, 401),
        ({"origin": "http://atrium.example.evil.example"}, 401),
        ({"origin": "null"}, 401),
        ({"origin": "null", "host": ""}, 401),
        ({}, 200),
    ],
)
async def test_only_pages_of_this_host_and_those_that_may_call_the_api_ask_by_it(
    headers: dict[str, str], status: int, house: House, client: Person
) -> None:
    path = await picture(house, client)
    async with (
        running_gateway(house.servers, cors_origins="https://app.example") as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as http,
    ):
        person = Person(http, {"user": client.user, "accessToken": client.access_token, "refreshToken": client.refresh_token})
        answer = await by_cookie(person, path, **({"host": "atrium.example"} | headers))
    assert answer.status_code == status
    assert status == 200 or refusal(answer) == ELSEWHERE


async def test_a_bearer_comes_before_it(house: House, client: Person) -> None:
    path, stranger = await picture(house, client), await house.person()
    assert (await by_cookie(stranger, path, authorization=f"Bearer {client.access_token}")).status_code == 200
    assert refusal(await by_cookie(client, path, authorization=f"Bearer {stranger.access_token}")) == (404, "attachment_not_found")
    assert refusal(await by_cookie(client, path, authorization="Bearer ey.ey.ey")) == (401, "token_is_not_valid")
    assert refusal(await by_cookie(client, path, authorization="")) == ELSEWHERE


async def test_what_is_no_token_or_is_there_twice_is_refused(house: House, client: Person) -> None:
    path, token = await picture(house, client), client.access_token
    cookies = {
        f"{NAME}=ey.ey.ey": "token_is_not_valid",
        f"{NAME}=": "token_is_missing",
        NAME: "token_is_missing",
        f"x{NAME}={token}": "token_is_missing",
        f"{NAME}={token}; {NAME}={token}": "token_is_missing",
    }
    for cookie, code in cookies.items():
        assert refusal(await client.http.get(path, headers={"cookie": cookie})) == (401, code)


async def test_who_signs_out_has_it_no_more_and_it_shows_nothing_any_more(house: House) -> None:
    person = await house.person()
    path = await picture(house, person)
    session = await log_in(house.http, person.user["email"])
    for answer in (
        await house.http.delete(COOKIE),
        await house.http.post("/api/auth/logout", json={"refreshToken": session.refresh_token}),
    ):
        cookie = cookie_of(answer)
        assert (answer.status_code, cookie.value, cookie["max-age"], cookie["path"]) == (204, "", "0", "/api")
    assert refusal(await by_cookie(session, path)) == (401, "session_has_ended")
    assert (await by_cookie(person, path)).status_code == 200


async def test_a_service_account_gets_none_and_comes_in_by_none(house: House, admin: Person) -> None:
    account = expect(await admin.post("/api/service-accounts", {"name": "Bot"}), 201)
    body = {"name": "main", "scopes": ["identity:self:read", "chat:file:read"]}
    token = expect(await admin.post(f"/api/service-accounts/{account['id']}/tokens", body), 201)["token"]
    assert refusal(await house.http.post(COOKIE, headers={"authorization": f"Bearer {token}"})) == (403, "permission_is_missing")
    path = await picture(house, admin)
    assert refusal(await house.http.get(path, headers={"cookie": f"{NAME}={token}"})) == (401, "token_is_not_valid")
