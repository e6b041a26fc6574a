"""Mail, from the request to the mailbox and back over HTTP; and what a sign-in costs."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest_asyncio

from shared.identifiers import new_id
from tests.mailserver import MailServer, link_in
from tests.system.house import House, log_in, register, running_house
from tests.system.people import PASSWORD, Person, expect, refusal

NEW = "another horse and battery"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(server: MailServer) -> AsyncIterator[House]:
    """With a mail server."""
    async with running_house(smtp_url=server.url, public_url="https://app.example.org") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def person(house: House) -> Person:
    return await register(house.http)


async def mailed(server: MailServer, email: str) -> tuple[str, str]:
    """The page that the next mail to somebody leads to, and its token."""
    while (mail := await server.mail())["To"] != email:
        pass
    address, token = link_in(mail)
    return address.removeprefix("https://app.example.org"), token


async def test_who_registers_is_mailed_a_link_and_verifies_by_it(person: Person, server: MailServer) -> None:
    page, token = await mailed(server, person.user["email"])
    assert (page, person.user["isEmailVerified"]) == ("/verify", False)
    assert (await person.post("/api/auth/verify", {"token": token})).status_code == 204
    me = expect(await person.get("/api/auth/me"), 200)
    assert (me["isEmailVerified"], me["accountStatus"]) == (True, "active")
    assert (await person.post("/api/auth/verify/request", {})).status_code == 204
    assert refusal(await person.post("/api/auth/verify", {"token": token})) == (422, "link_is_spent")


async def test_a_mail_that_is_not_expected_makes_nobody_of_a_stranger(house: House, person: Person, server: MailServer) -> None:
    """Somebody registered with the email of another, who follows the link."""
    _, token = await mailed(server, person.user["email"])
    victim = await register(house.http)
    assert refusal(await victim.post("/api/auth/verify", {"token": token})) == (422, "link_is_spent")
    assert refusal(await house.http.post("/api/auth/verify", json={"token": token})) == (401, "token_is_missing")
    assert expect(await person.get("/api/auth/me"), 200)["isEmailVerified"] is False


async def test_a_forgotten_password_is_reset_by_the_mail(house: House, person: Person, server: MailServer) -> None:
    email = person.user["email"]
    await mailed(server, email)
    assert (await house.http.post("/api/auth/reset/request", json={"email": email.upper()})).status_code == 204
    page, token = await mailed(server, email)
    assert page == "/reset"
    assert (await house.http.post("/api/auth/reset", json={"token": token, "password": NEW})).status_code == 204
    assert refusal(await person.get("/api/auth/me")) == (401, "session_has_ended")
    signed_in = expect(await house.http.post("/api/auth/login", json={"email": email, "password": NEW}), 200)
    assert signed_in["user"]["isEmailVerified"] is True


async def test_who_is_invited_by_mail_joins_with_a_verified_email(house: House, server: MailServer) -> None:
    path = f"/api/workspaces/{house.workspace_id}/invitations"
    email = f"{new_id().hex}@people.example"
    made = expect(await house.host.post(path, {"email": email, "role": "agent"}), 201)
    assert (made["token"], made["mailStatus"]) == (None, "waiting")
    page, token = await mailed(server, email)
    assert page == "/invitation"
    body = {"email": email, "password": PASSWORD, "name": "Zoe", "invitation": token}
    assert refusal(await house.http.post("/api/auth/register", json=body | {"email": f"x{email}"})) == (409, "invitation_is_not_valid")
    zoe = expect(await house.http.post("/api/auth/register", json=body), 201)["user"]
    assert (zoe["role"], zoe["isEmailVerified"], zoe["accountStatus"]) == ("agent", True, "active")
    kinds = await house.database.fetch("SELECT kind FROM identity.mail_queue WHERE recipient = $1", email)
    assert [row["kind"] for row in kinds] == ["invitation"], "there is nothing to verify"


async def test_a_mailbox_is_invited_five_times_an_hour(house: House) -> None:
    path, body = f"/api/workspaces/{house.workspace_id}/invitations", {"email": "often@people.example"}
    answers = [await house.host.post(path, body) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert refusal(answers[5]) == (429, "mailbox_got_enough")
    assert answers[5].headers["retry-after"] == "3600"
    invitations = expect(await house.host.get(path, limit=200), 200)["invitations"]
    assert [one["id"] for one in invitations if one["email"] == body["email"]] == [answers[4].json()["id"]]


async def test_a_sign_in_costs_one_check_whoever_it_is(house: House, person: Person) -> None:
    """Of passwords that are kept alike, so that time tells nobody who has an account, and who is kept out."""
    suspended, gone = await register(house.http), await register(house.http)
    expect(await house.host.post(f"/api/users/{suspended.id}/suspend", {}), 200)
    await house.database.execute("UPDATE identity.users SET current_account_status = 'suspended' WHERE id = $1", UUID(suspended.id))
    expect(await house.host.delete(f"/api/workspaces/{house.workspace_id}/members/{gone.id}"), 204)
    emails = [one.user["email"] for one in (person, suspended, gone)] + ["nobody@people.example", "no email at all"]
    for email in emails:
        for password in ("a guess", PASSWORD):
            if (email, password) == (person.user["email"], PASSWORD):
                continue
            before = house.hasher.checks, house.hasher.hashes
            answer = await house.http.post("/api/auth/login", json={"email": email, "password": password})
            assert refusal(answer) == (401, "credentials_are_wrong")
            assert (house.hasher.checks, house.hasher.hashes) == (before[0] + 1, before[1]), email
    assert (await log_in(house.http, person.user["email"])).id == person.id
