"""Accounts and sessions, as people live through them."""

import asyncio
import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY
from uuid import UUID

import httpx2
import pytest

from shared.contracts.permissions import Permission
from shared.contracts.principal import Role
from shared.contracts.roles import BUILT_IN
from shared.identifiers import new_id
from tests.system.house import ACCESS_LIFE, House, log_in, register
from tests.system.people import PASSWORD, Json, Person, expect, refusal, wrong_fields


async def refresh(person: Person, token: str | None = None) -> httpx2.Response:
    return await person.http.post("/api/auth/refresh", json={"refreshToken": token or person.refresh_token})


async def log_out(person: Person) -> httpx2.Response:
    return await person.http.post("/api/auth/logout", json={"refreshToken": person.refresh_token})


def session_of(person: Person) -> UUID:
    payload = person.access_token.split(".")[1]
    return UUID(json.loads(urlsafe_b64decode(payload + "=="))["sid"])


async def pass_the_grace(house: House, person: Person) -> None:
    """Ten seconds go by since the session's last refresh."""
    await house.database.execute(
        "UPDATE identity.user_sessions SET rotated_at = rotated_at - interval '10.1 seconds' WHERE id = $1", session_of(person)
    )


async def test_who_registers_is_signed_in(house: House) -> None:
    email = f"grace.{new_id().hex}@navy.example"
    body = {"email": email.title(), "password": PASSWORD, "name": "  Grace Brewster Hopper "}
    answer = await house.http.post("/api/auth/register", json=body)
    signed_in = expect(answer, 201)
    assert list(signed_in) == ["accessToken", "refreshToken", "expiresAt", "user"]
    user = signed_in["user"]
    assert user == {
        "id": ANY,
        "email": email,
        "username": email.partition("@")[0],
        "name": "Grace Brewster Hopper",
        "displayName": None,
        "avatarUrl": None,
        "role": "client",
        "workspaceId": str(house.workspace_id),
        "accountStatus": "pending-verification",
        "isEmailVerified": False,
        "currentStatus": "offline",
        "lastSeenAt": ANY,
        "firstName": "Grace",
        "lastName": "Brewster Hopper",
        "accountType": "guest",
        "preferences": {},
        "roleName": "client",
        "permissions": [permission.value for permission in Permission if permission in BUILT_IN[Role.CLIENT]],
    }
    assert answer.headers["location"] == f"/api/users/{user['id']}"
    assert answer.headers["cache-control"] == "no-store"
    left = datetime.fromisoformat(signed_in["expiresAt"]) - datetime.now(UTC)
    assert ACCESS_LIFE - timedelta(seconds=10) < left <= ACCESS_LIFE
    person = Person(house.http, signed_in)
    assert expect(await person.get("/api/auth/me"), 200) == user


async def test_the_first_user_is_the_admin(house: House) -> None:
    assert expect(await house.host.get("/api/auth/me"), 200)["role"] == "admin"


async def test_an_email_has_one_account_however_it_is_written(house: House, client: Person) -> None:
    body = {"email": client.user["email"].upper(), "password": PASSWORD, "name": "Another"}
    assert refusal(await house.http.post("/api/auth/register", json=body)) == (409, "email_is_taken")


async def test_of_many_who_register_an_email_at_once_one_does(house: House) -> None:
    body = {"email": f"{new_id().hex}@people.example", "password": PASSWORD, "name": "Ada"}
    answers = await asyncio.gather(*(house.http.post("/api/auth/register", json=body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 9]


async def test_usernames_of_like_emails_are_others(house: House) -> None:
    local = f"ada{new_id().hex}"
    first, second = [await register(house.http, f"{local}@{host}.example") for host in ("one", "two")]
    assert (first.user["username"], second.user["username"]) == (local, f"{local}.2")


@pytest.mark.parametrize("email", ["{email}", "  {email}  ", "{EMAIL}"])
async def test_logging_in_takes_an_email_as_people_write_it(email: str, house: House, client: Person) -> None:
    written = email.format(email=client.user["email"], EMAIL=client.user["email"].upper())
    answer = await house.http.post("/api/auth/login", json={"email": written, "password": PASSWORD})
    signed_in = expect(answer, 200)
    assert list(signed_in) == ["accessToken", "refreshToken", "expiresAt", "user"]
    assert (signed_in["user"]["id"], "location" in answer.headers) == (client.id, False)


async def test_a_wrong_password_and_an_unknown_email_are_told_alike(house: House, client: Person) -> None:
    async def told(email: str, password: str) -> tuple[int, bytes]:
        answer = await house.http.post("/api/auth/login", json={"email": email, "password": password}, headers={"x-request-id": "the same"})
        assert refusal(answer) == (401, "credentials_are_wrong")
        return answer.status_code, answer.content

    assert await told(client.user["email"], "not this") == await told(f"{new_id().hex}@nobody.example", PASSWORD)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"email": "ada"}, "email", "invalid"),
        ({"email": "ada@"}, "email", "invalid"),
        ({"email": f"{'a' * 250}@a.example"}, "email", "too_long"),
        ({"password": "seven77"}, "password", "too_short"),
        ({"password": "p" * 201}, "password", "too_long"),
        ({"name": "   "}, "name", "too_short"),
        ({"name": "n" * 256}, "name", "too_long"),
        ({"role": "admin"}, "role", "unknown_field"),
    ],
)
async def test_a_registration_says_which_field_is_wrong(change: Json, field: str, code: str, house: House) -> None:
    body = {"email": f"{new_id().hex}@people.example", "password": PASSWORD, "name": "Ada", **change}
    assert wrong_fields(await house.http.post("/api/auth/register", json=body)) == {field: code}


async def test_refreshing_gives_a_new_pair_for_the_same_session(client: Person) -> None:
    again = Person(client.http, expect(await refresh(client), 200))
    assert again.refresh_token != client.refresh_token
    assert (again.user, session_of(again)) == (client.user | {"lastSeenAt": ANY}, session_of(client))
    expect(await again.get("/api/auth/me"), 200)
    expect(await client.get("/api/auth/me"), 200)  # its access token goes on until it ends


async def test_a_retry_within_ten_seconds_gets_the_same_successor(client: Person) -> None:
    first, second = expect(await refresh(client), 200), expect(await refresh(client), 200)
    assert first["refreshToken"] == second["refreshToken"]
    expect(await refresh(client, first["refreshToken"]), 200)


async def test_of_many_retries_at_once_all_get_the_same_successor(client: Person) -> None:
    answers = await asyncio.gather(*(refresh(client) for _ in range(10)))
    assert len({expect(answer, 200)["refreshToken"] for answer in answers}) == 1


async def test_a_refresh_token_used_again_later_ends_the_session(house: House, client: Person) -> None:
    again = Person(client.http, expect(await refresh(client), 200))
    await pass_the_grace(house, client)
    assert refusal(await refresh(client)) == (401, "refresh_token_is_spent")
    assert refusal(await again.get("/api/auth/me")) == (401, "session_has_ended")
    assert refusal(await refresh(again)) == (401, "refresh_token_is_spent")
    assert await house.events("identity", client.id) == ["user_registered", "session_ended"]


async def test_a_refresh_token_whose_successor_was_used_ends_the_session_at_once(client: Person) -> None:
    again = Person(client.http, expect(await refresh(client), 200))
    expect(await refresh(again), 200)
    assert refusal(await refresh(client)) == (401, "refresh_token_is_spent")
    assert refusal(await again.get("/api/auth/me")) == (401, "session_has_ended")


@pytest.mark.parametrize("token", ["x", "é", "A" * 86, "A" * 200])
async def test_a_refresh_token_that_is_not_ours_is_spent(token: str, client: Person) -> None:
    assert refusal(await refresh(client, token)) == (401, "refresh_token_is_spent")


async def test_logging_out_ends_the_session_from_the_next_request_on(house: House, client: Person) -> None:
    elsewhere = await log_in(house.http, client.user["email"])
    answer = await log_out(client)
    assert (answer.status_code, answer.content) == (204, b"")
    assert refusal(await client.get("/api/auth/me")) == (401, "session_has_ended")
    assert refusal(await refresh(client)) == (401, "refresh_token_is_spent")
    expect(await elsewhere.get("/api/auth/me"), 200)
    assert (await log_out(client)).status_code == 204


async def test_a_new_role_counts_from_the_next_request_on(house: House, admin: Person, client: Person) -> None:
    thread = await admin.open()
    assert refusal(await client.get(f"/api/collab/threads/{thread['id']}")) == (404, "thread_not_found")
    changed = expect(await admin.patch(f"/api/users/{client.id}", {"role": "agent"}), 200)
    assert changed == {name: client.user[name] for name in changed} | {"role": "agent"}
    expect(await client.get(f"/api/collab/threads/{thread['id']}"), 200)
    expect(await admin.patch(f"/api/users/{client.id}", {"role": "guest"}), 200)
    assert refusal(await client.get(f"/api/collab/threads/{thread['id']}")) == (404, "thread_not_found")
    assert refusal(await client.post("/api/collab/threads", {"kind": "group", "title": "Mine"})) == (403, "permission_is_missing")
    assert (await house.events("identity", client.id)).count("user_role_changed") == 2


async def test_the_last_admin_keeps_the_role(house: House) -> None:
    alone = await house.elsewhere(Role.ADMIN)
    assert refusal(await alone.patch(f"/api/users/{alone.id}", {"role": "agent"})) == (409, "workspace_needs_an_admin")
    expect(await alone.patch(f"/api/users/{alone.id}", {"role": "admin"}), 200)
    assert expect(await alone.get("/api/auth/me"), 200)["role"] == "admin"


async def test_of_two_admins_who_demote_each_other_one_stays(house: House) -> None:
    one = await house.elsewhere(Role.ADMIN)
    other = await house.joining(one, Role.ADMIN)
    pairs = ((one, other), (other, one))
    answers = await asyncio.gather(*(by.patch(f"/api/users/{whom.id}", {"role": "agent"}) for by, whom in pairs))
    assert 200 in {answer.status_code for answer in answers}
    roles = [expect(await person.get("/api/auth/me"), 200)["role"] for person in (one, other)]
    assert sorted(roles) == ["admin", "agent"]


@pytest.mark.parametrize("role", ["system", "owner", "", None, 7, ["admin"]])
async def test_a_role_that_is_none_cannot_be_given(role: Any, admin: Person, client: Person) -> None:
    assert wrong_fields(await admin.patch(f"/api/users/{client.id}", {"role": role})) == {"role": "not_one_of"}


@pytest.mark.parametrize("status", ["suspended", "deactivated"])
async def test_who_is_suspended_is_refused_from_the_next_request_on(status: str, house: House, client: Person) -> None:
    await house.database.execute("UPDATE identity.users SET current_account_status = $2 WHERE id = $1", UUID(client.id), status)
    assert refusal(await client.get("/api/auth/me")) == (401, "session_has_ended")
    assert refusal(await refresh(client)) == (401, "refresh_token_is_spent")
    body = {"email": client.user["email"], "password": PASSWORD}
    assert refusal(await house.http.post("/api/auth/login", json=body)) == (401, "credentials_are_wrong")


async def test_anybody_can_check_a_token_by_the_published_keys(house: House) -> None:
    (key,) = expect(await house.http.get("/.well-known/jwks.json"), 200)["keys"]
    assert sorted(key) == ["alg", "crv", "kid", "kty", "use", "x", "y"], "nothing of the private key"
    assert (key["alg"], key["kty"], key["crv"], key["use"]) == ("ES256", "EC", "P-256", "sig")
