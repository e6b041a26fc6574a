"""Accounts over HTTP, as people live with them."""

from collections import Counter
from typing import Any

import httpx2
import pytest

from shared.contracts.identity.accounts import MAKE_LINK, SUSPEND_ACCOUNT, MailedLink, MakeLink, Purpose, SuspendAccount
from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.house import House, log_in, register, running_gateway
from tests.system.people import PASSWORD, Json, Person, expect, refusal, wrong_fields

NEW = "another horse and battery"


async def mailed_link(house: House, person: Person, purpose: Purpose) -> MailedLink:
    return await house.operator(MAKE_LINK, MakeLink(email=person.user["email"], purpose=purpose), None)


async def sign_in(http: httpx2.AsyncClient, person: Person, password: str = PASSWORD, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post("/api/auth/login", json={"email": person.user["email"], "password": password}, headers=named)


async def test_a_profile_is_changed_field_by_field(client: Person) -> None:
    me = expect(await client.get("/api/auth/me"), 200)
    assert (me["displayName"], me["avatarUrl"], me["currentStatus"], me["preferences"]) == (None, None, "offline", {})
    assert (me["firstName"], me["lastName"], me["accountType"]) == ("Ada", "Lovelace", "guest")
    sent: Json = {"displayName": "Countess", "avatarUrl": "https://pictures.example/ada.png", "preferences": {"theme": "dark"}}
    changed = expect(await client.patch("/api/auth/me", sent), 200)
    assert changed == me | sent | {"lastSeenAt": changed["lastSeenAt"]}
    assert expect(await client.patch("/api/auth/me", {"displayName": None}), 200)["displayName"] is None
    assert expect(await client.patch("/api/auth/me", {}), 200)["preferences"] == {"theme": "dark"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"avatarUrl": "http://pictures.example/ada.png"}, "avatarUrl"),
        ({"username": "Not One"}, "username"),
        ({"currentStatus": "invisible"}, "currentStatus"),
        ({"preferences": {"x": "y" * 20_000}}, "preferences"),
        ({"role": "admin"}, "role"),
        ({"accountStatus": "active"}, "accountStatus"),
        ({"isEmailVerified": True}, "isEmailVerified"),
    ],
)
async def test_what_nobody_is_is_refused(change: Json, field: str, client: Person) -> None:
    assert list(wrong_fields(await client.patch("/api/auth/me", change))) == [field]


async def test_a_username_has_one_user(client: Person, agent: Person) -> None:
    taken = {"username": client.user["username"]}
    assert refusal(await agent.patch("/api/auth/me", taken)) == (409, "username_is_taken")


async def test_people_are_found_by_their_names_in_their_workspace_alone(house: House, agent: Person, client: Person) -> None:
    name = f"Zaphod {new_id().hex} Beeblebrox"
    hidden = await house.elsewhere(Role.ADMIN)
    for person in (client, hidden):
        expect(await person.patch("/api/auth/me", {"name": name}), 200)
    for typed in (name, name.lower()[:20], name.split()[1], f"@{client.user['username']}"):
        page = expect(await agent.get("/api/users", q=typed), 200)
        assert [user["id"] for user in page["users"]] == [client.id]
        assert (page["hasMore"], page["nextCursor"]) == (False, None)
    assert page["users"][0]["email"] == client.user["email"], "agents may read members"
    other = await house.person()
    assert refusal(await other.get(f"/api/users/{client.id}")) == (404, "user_not_found"), "clients do not see each other"
    shown, whole = [expect(await person.get(f"/api/users/{agent.id}"), 200) for person in (other, agent)]
    assert shown == whole | {"email": None, "accountStatus": None, "lastSeenAt": shown["lastSeenAt"]}


async def test_an_email_is_verified_by_its_link_alone(house: House, client: Person) -> None:
    made = await mailed_link(house, client, "verify")
    assert refusal(await client.http.post("/api/auth/reset", json={"token": made.token, "password": NEW})) == (422, "link_is_spent")
    assert refusal(await client.http.post("/api/auth/verify", json={"token": made.token})) == (401, "token_is_missing")
    stranger = await register(client.http)
    assert refusal(await stranger.post("/api/auth/verify", {"token": made.token})) == (422, "link_is_spent")
    assert (await client.post("/api/auth/verify", {"token": made.token})).status_code == 204
    me = expect(await client.get("/api/auth/me"), 200)
    assert (me["isEmailVerified"], me["accountStatus"]) == (True, "active")
    assert refusal(await client.post("/api/auth/verify", {"token": made.token})) == (422, "link_is_spent")
    assert "email_verified" in await house.events("identity", client.id)


async def test_a_forgotten_password_is_reset_and_everybody_signed_out(house: House, client: Person) -> None:
    made = await mailed_link(house, client, "reset")
    assert (await client.http.post("/api/auth/reset", json={"token": made.token, "password": NEW})).status_code == 204
    assert refusal(await client.get("/api/auth/me")) == (401, "session_has_ended")
    assert refusal(await sign_in(client.http, client)) == (401, "credentials_are_wrong")
    expect(await sign_in(client.http, client, NEW), 200)


async def test_asking_for_a_reset_tells_nobody_who_has_an_account(client: Person) -> None:
    async def told(email: str) -> tuple[int, bytes, list[str]]:
        answer = await client.http.post("/api/auth/reset/request", json={"email": email}, headers={"x-request-id": "the same"})
        return answer.status_code, answer.content, sorted(set(answer.headers) - {"date"})

    assert await told(client.user["email"]) == await told(f"{new_id().hex}@nobody.example")


async def test_a_changed_password_ends_the_other_sessions(client: Person) -> None:
    elsewhere = await log_in(client.http, client.user["email"])
    wrong = await client.post("/api/auth/password", {"currentPassword": NEW, "newPassword": NEW})
    assert refusal(wrong) == (403, "password_is_wrong")
    assert (await client.post("/api/auth/password", {"currentPassword": PASSWORD, "newPassword": NEW})).status_code == 204
    expect(await client.get("/api/auth/me"), 200)
    assert refusal(await elsewhere.get("/api/auth/me")) == (401, "session_has_ended")


async def test_ones_sessions_are_seen_and_ended(house: House, client: Person) -> None:
    there = Person(client.http, expect(await sign_in(client.http, client, user_agent="Phone/7"), 200))
    page = expect(await client.get("/api/auth/sessions"), 200)
    assert [(one["id"], one["userAgent"], one["address"], one["current"]) for one in page["sessions"]] == [
        (there.session_id, "Phone/7", "127.0.0.1", False),
        (client.session_id, page["sessions"][1]["userAgent"], "127.0.0.1", True),
    ]
    for _ in range(2):
        assert (await client.delete(f"/api/auth/sessions/{there.session_id}")).status_code == 204
    assert refusal(await there.get("/api/auth/me")) == (401, "session_has_ended")
    others = [await log_in(client.http, client.user["email"]) for _ in range(2)]
    assert (await client.delete("/api/auth/sessions")).status_code == 204
    assert [(await other.get("/api/auth/me")).status_code for other in others] == [401, 401]
    expect(await client.get("/api/auth/me"), 200)


async def test_who_is_suspended_is_out_at_once_by_every_gateway(house: House, admin: Person, client: Person) -> None:
    thread = await client.open()
    async with running_gateway(house.servers) as url, httpx2.AsyncClient(base_url=url, timeout=20) as other:
        expect(await other.get("/api/auth/me", headers=client.bearer), 200)
        suspended = expect(await admin.post(f"/api/users/{client.id}/suspend", {"reason": "Sends spam"}), 200)
        assert suspended["accountStatus"] == "suspended"
        for http in (other, house.http):
            for path in ("/api/auth/me", f"/api/collab/threads/{thread['id']}"):
                assert refusal(await http.get(path, headers=client.bearer)) == (401, "session_has_ended")
            assert refusal(await http.post("/api/auth/refresh", json={"refreshToken": client.refresh_token}))[0] == 401
            assert refusal(await sign_in(http, client)) == (401, "credentials_are_wrong")
    expect(await admin.post(f"/api/users/{client.id}/reinstate", {}), 200)
    again = await log_in(house.http, client.user["email"])
    expect(await again.get(f"/api/collab/threads/{thread['id']}"), 200)
    assert refusal(await admin.post(f"/api/users/{admin.id}/suspend", {})) == (409, "nobody_suspends_themself")


async def test_the_operator_suspends_an_account_at_once(house: House, client: Person) -> None:
    await house.operator(SUSPEND_ACCOUNT, SuspendAccount(email=client.user["email"]), None)
    assert refusal(await client.get("/api/auth/me")) == (401, "session_has_ended")


@pytest.mark.parametrize("settings", [{}, {"trusted_proxies": "127.0.0.1"}], ids=["nobody is believed", "the proxy is believed"])
async def test_a_hundred_wrong_passwords_from_everywhere_meet_429_and_the_owner_gets_in(settings: dict[str, Any], house: House) -> None:
    async with (
        running_gateway(house.servers, requests_per_minute=0, **settings) as url,
        httpx2.AsyncClient(base_url=url, timeout=20) as http,
    ):
        home = {"X_Forwarded_For": "203.0.113.7"}
        owner = await register(house.http)
        if settings:
            expect(await sign_in(http, owner, **home), 200)
        statuses = Counter(
            [(await sign_in(http, owner, f"guess {number}", X_Forwarded_For=f"192.0.2.{number}")).status_code for number in range(100)]
        )
        assert set(statuses) == {401, 429}
        assert statuses[429] >= 50
        if settings:
            assert refusal(await sign_in(http, owner, X_Forwarded_For="198.51.100.1")) == (429, "sign_in_is_throttled")
            expect(await sign_in(http, owner, **home), 200)
        unknown = Person(http, {"user": {"email": f"{new_id().hex}@nobody.example"}, "accessToken": "", "refreshToken": ""})
        guessed = [await sign_in(http, unknown, "a guess", X_Forwarded_For=f"192.0.2.{number}") for number in range(50)]
        assert {answer.status_code for answer in guessed} == {401, 429}, "an unknown account is throttled alike"


async def test_what_somebody_was_is_kept(house: House, client: Person) -> None:
    expect(await client.patch("/api/auth/me", {"name": "Somebody Else"}), 200)
    rows = await house.database.fetch(
        "SELECT name, changed_by::text, operation_type FROM identity.users_history WHERE id::text = $1", client.id
    )
    assert [tuple(row) for row in rows] == [("Ada Lovelace", client.id, "UPDATE")]
