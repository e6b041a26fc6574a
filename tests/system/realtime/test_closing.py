"""Who may not be here any more is closed within a second, with the code that says why."""

import pytest

from tests.system.house import House, log_in
from tests.system.people import PASSWORD, Person, expect, refusal
from tests.system.programs import program_of
from tests.system.realtime.followers import SOON, Transport, following
from tests.system.workspaces.test_service_accounts import tokens_of
from tests.system.workspaces.test_workspaces import here, lab_of, member_of

SIGN_IN_AGAIN, ACCESS_LOST = 4401, 4403


async def test_a_role_that_grants_no_threads_closes(house: House, over: Transport) -> None:
    founder = await lab_of(house)
    expect(await founder.post("/api/roles", {"name": "reader", "permissions": ["chat:room:read", "chat:message:read"]}), 201)
    person = await member_of(founder, "reader")
    async with following(house, person, over) as follower:
        expect(await founder.patch("/api/roles/reader", {"permissions": ["chat:message:read"]}), 200)
        assert await follower.closed() == ACCESS_LOST


async def test_who_is_removed_from_the_workspace_is_closed(house: House, over: Transport) -> None:
    founder = await lab_of(house)
    person = await member_of(founder, "agent")
    async with following(house, person, over) as follower:
        expect(await founder.delete(f"{here(founder)}/members/{person.id}"), 204)
        assert await follower.closed() == ACCESS_LOST


async def test_who_leaves_one_workspace_goes_on_in_another(house: House, over: Transport) -> None:
    founder = await lab_of(house)
    person = await member_of(founder, "agent")
    at_home = await log_in(house.http, person.user["email"])
    if at_home.user["workspaceId"] == person.user["workspaceId"]:
        home = expect(await person.post("/api/auth/switch", {"workspaceId": str(house.workspace_id)}), 200)
        at_home = Person(house.http, home)
    thread = await at_home.open()
    async with following(house, person, over) as there, following(house, at_home, over) as here_too:
        expect(await founder.delete(f"{here(founder)}/members/{person.id}"), 204)
        assert await there.closed() == ACCESS_LOST
        await at_home.say(thread, "still here")
        await here_too.told("messagePosted", SOON)


async def test_who_is_suspended_is_closed(house: House, over: Transport, client: Person) -> None:
    async with following(house, client, over) as follower:
        expect(await house.host.post(f"/api/users/{client.id}/suspend", {}), 200)
        assert await follower.closed() == ACCESS_LOST


async def test_who_signs_out_is_closed_and_their_other_session_is_not(house: House, over: Transport, agent: Person) -> None:
    other = await log_in(house.http, agent.user["email"])
    thread = await agent.open()
    async with following(house, other, over) as gone, following(house, agent, over) as stays:
        expect(await house.http.post("/api/auth/logout", json={"refreshToken": other.refresh_token}), 204)
        assert await gone.closed() == SIGN_IN_AGAIN
        await agent.say(thread, "still here")
        await stays.told("messagePosted", SOON)


async def test_a_session_that_is_ended_elsewhere_is_closed(house: House, over: Transport, agent: Person) -> None:
    other = await log_in(house.http, agent.user["email"])
    async with following(house, other, over) as follower:
        expect(await agent.delete(f"/api/auth/sessions/{other.session_id}"), 204)
        assert await follower.closed() == SIGN_IN_AGAIN


async def test_other_sessions_are_closed_when_they_are_ended_together(house: House, over: Transport, agent: Person) -> None:
    others = [await log_in(house.http, agent.user["email"]) for _ in range(2)]
    async with (
        following(house, others[0], over) as first,
        following(house, others[1], over) as second,
        following(house, agent, over) as own,
    ):
        expect(await agent.delete("/api/auth/sessions"), 204)
        assert [await first.closed(), await second.closed()] == [SIGN_IN_AGAIN, SIGN_IN_AGAIN]
        assert not own.ended


async def test_another_password_closes_the_other_sessions(house: House, over: Transport, agent: Person) -> None:
    other = await log_in(house.http, agent.user["email"])
    async with following(house, other, over) as follower:
        body = {"currentPassword": PASSWORD, "newPassword": f"{PASSWORD} and more"}
        expect(await agent.post("/api/auth/password", body), 204)
        assert await follower.closed() == SIGN_IN_AGAIN


@pytest.mark.parametrize("done", ["revoked", "rotated", "deleted", "suspended"])
async def test_a_programs_token_that_ends_closes(house: House, over: Transport, done: str) -> None:
    admin = house.host
    program = await program_of(house, admin, "chat:room:read", "chat:message:read", "supervisor:chat:read")
    thread = await admin.open()
    account, token = f"/api/service-accounts/{program.account['id']}", f"{tokens_of(program)}/{program.token['id']}"
    async with following(house, program.token["token"], over) as follower:
        await admin.say(thread, "for programs")
        await follower.told("messagePosted")
        answers: dict[str, tuple[str, str, int]] = {
            "revoked": ("DELETE", token, 204),
            "rotated": ("POST", f"{token}/rotate", 201),
            "deleted": ("DELETE", account, 204),
            "suspended": ("POST", f"/api/users/{program.account['id']}/suspend", 200),
        }
        method, path, status = answers[done]
        expect(await admin.ask(method, path, None if method == "DELETE" else {}), status)
        assert await follower.closed() == (ACCESS_LOST if done == "suspended" else SIGN_IN_AGAIN)


async def test_a_program_goes_on_while_another_of_its_tokens_ends(house: House, over: Transport) -> None:
    admin, scopes = house.host, ["chat:room:read", "chat:message:read", "supervisor:chat:read"]
    program = await program_of(house, admin, *scopes)
    second = expect(await admin.post(tokens_of(program), {"name": "second", "scopes": scopes}), 201)
    thread = await admin.open()
    async with following(house, second["token"], over) as follower:
        expect(await admin.delete(f"{tokens_of(program)}/{program.token['id']}"), 204)
        await admin.say(thread, "after")
        await follower.told("messagePosted", SOON)
        assert not follower.ended


async def test_nobody_whose_token_ended_comes_back_with_a_cursor(house: House, over: Transport, client: Person) -> None:
    async with following(house, client, over) as follower:
        cursor = follower.last
        expect(await house.http.post("/api/auth/logout", json={"refreshToken": client.refresh_token}), 204)
        assert await follower.closed() == SIGN_IN_AGAIN
    for path in ("events", "snapshot-cursor"):
        assert refusal(await client.get(f"/api/collab/{path}", cursor=cursor)) == (401, "session_has_ended")
