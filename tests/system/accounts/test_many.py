"""Many at once, and much of one: names that people race for, and somebody with more sessions than anybody needs."""

import asyncio
from uuid import UUID

from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.house import House, log_in, register
from tests.system.people import PASSWORD, Person, expect, refusal

ADD_SESSIONS = """
    INSERT INTO identity.user_sessions (id, user_id, workspace_id, token_hash, expires_at)
    SELECT uuidv7(), $1, $2, md5(place::text), now() + interval '30 days' FROM generate_series(1, $3::int) place"""


async def test_people_of_one_name_register_at_once(house: House) -> None:
    """Each into a workspace of its own, so that nothing else makes them wait for each other."""
    name = new_id().hex
    inviters = [await house.elsewhere(Role.ADMIN) for _ in range(6)]
    paths = [f"/api/workspaces/{inviter.user['workspaceId']}/invitations" for inviter in inviters]
    made = [expect(await inviter.post(path, {}), 201) for inviter, path in zip(inviters, paths, strict=True)]
    bodies = [
        {"email": f"{name}@host{place}.example", "password": PASSWORD, "name": "Zed", "invitation": one["token"]}
        for place, one in enumerate(made)
    ]
    answers = await asyncio.gather(*(house.http.post("/api/auth/register", json=body) for body in bodies))
    assert len({expect(answer, 201)["user"]["username"] for answer in answers}) == 6


async def test_of_those_who_register_with_one_email_at_once_one_does(house: House) -> None:
    body = {"email": f"{new_id().hex}@people.example", "password": PASSWORD, "name": "Zed"}
    answers = await asyncio.gather(*(house.http.post("/api/auth/register", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5


async def test_a_hundred_sessions_are_kept_and_the_oldest_ends(house: House) -> None:
    first = await register(house.http)
    await house.database.execute(ADD_SESSIONS, UUID(first.id), house.workspace_id, 98)
    last = await log_in(house.http, first.user["email"])
    expect(await first.get("/api/auth/me"), 200)
    again = await log_in(house.http, first.user["email"])
    assert refusal(await first.get("/api/auth/me")) == (401, "session_has_ended")
    for person in (last, again):
        expect(await person.get("/api/auth/me"), 200)
    assert len(expect(await again.get("/api/auth/sessions", limit=200), 200)["sessions"]) == 100
    row = await house.database.fetchrow(
        "SELECT id, end_reason FROM identity.user_sessions WHERE user_id = $1 AND ended_at IS NOT NULL", UUID(first.id)
    )
    assert row is not None
    assert (str(row["id"]), row["end_reason"]) == (first.session_id, "too-many-sessions")


async def test_many_sessions_at_once_are_a_hundred_in_the_end(house: House) -> None:
    person = await register(house.http)
    await house.database.execute(ADD_SESSIONS, UUID(person.id), house.workspace_id, 98)
    await asyncio.gather(*(log_in(house.http, person.user["email"]) for _ in range(8)))
    living = "SELECT count(*) FROM identity.user_sessions WHERE user_id = $1 AND ended_at IS NULL"
    assert await house.database.fetchval(living, UUID(person.id)) == 100


async def test_who_had_many_sessions_is_suspended_at_once(house: House, admin: Person, client: Person) -> None:
    """They may come from before there was a bound."""
    await house.database.execute(ADD_SESSIONS, UUID(client.id), house.workspace_id, 20_000)
    async with asyncio.timeout(5):
        expect(await admin.post(f"/api/users/{client.id}/suspend", {}), 200)
    assert refusal(await client.get("/api/auth/me")) == (401, "session_has_ended")
