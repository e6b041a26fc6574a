"""What somebody may do is what they are granted at that moment: what they left behind is worth no more than they are."""

import asyncio

import httpx2

from shared.identifiers import new_id
from tests.system.house import House, log_in, register
from tests.system.people import PASSWORD, Json, expect, refusal
from tests.system.programs import Program, program_of
from tests.system.workspaces.test_service_accounts import tokens_of
from tests.system.workspaces.test_workspaces import here, invited, lab_of, member_of

MANAGE = ("identity:service:manage", "identity:self:read")


async def sign_up(house: House, invitation: Json) -> httpx2.Response:
    body = {"email": f"{new_id().hex}@people.example", "password": PASSWORD, "name": "Sock", "invitation": invitation["token"]}
    return await house.http.post("/api/auth/register", json=body)


async def test_an_admin_who_was_removed_comes_back_by_no_invitation_of_theirs(house: House) -> None:
    founder = await lab_of(house)
    mallory = await member_of(founder, "admin")
    kept = [await invited(mallory, role="admin"), await invited(mallory, role="client")]
    expect(await founder.delete(f"{here(founder)}/members/{mallory.id}"), 204)
    outside = await log_in(house.http, mallory.user["email"])
    for made in kept:
        assert refusal(await outside.post("/api/auth/invitations/accept", {"token": made["token"]})) == (409, "invitation_is_not_valid")
        assert refusal(await sign_up(house, made)) == (409, "invitation_is_not_valid")


async def test_an_invitation_gives_what_its_maker_still_may_give(house: House) -> None:
    founder = await lab_of(house)
    suspended, demoted = await member_of(founder, "admin"), await member_of(founder, "admin")
    kept = [await invited(suspended, role="client"), await invited(demoted, role="admin")]
    expect(await founder.post(f"/api/users/{suspended.id}/suspend", {}), 200)
    expect(await founder.patch(f"{here(founder)}/members/{demoted.id}", {"role": "agent"}), 200)
    for made in kept:
        assert refusal(await sign_up(house, made)) == (409, "invitation_is_not_valid")
    expect(await founder.post(f"/api/users/{suspended.id}/reinstate", {}), 200)
    expect(await sign_up(house, kept[0]), 201)


async def test_an_invitation_of_a_program_ends_with_its_token(house: House) -> None:
    founder = await lab_of(house)
    program = await program_of(house, founder, *founder.user["permissions"])
    path = f"{here(founder)}/invitations"
    first, second = [expect(await program.ask("POST", path, {"role": "agent"}), 201) for _ in range(2)]
    expect(await sign_up(house, first), 201)
    expect(await founder.delete(f"{tokens_of(program)}/{program.token['id']}"), 204)
    assert refusal(await sign_up(house, second)) == (409, "invitation_is_not_valid")


async def test_a_token_grants_no_more_than_who_answers_for_it_has(house: House) -> None:
    founder = await lab_of(house)
    maker = await member_of(founder, "admin")
    program = await program_of(house, maker, "chat:room:read", "audit:log:read", *MANAGE)
    account = f"/api/service-accounts/{program.account['id']}"
    own = expect(await program.ask("POST", f"{account}/tokens", {"name": "child", "scopes": ["chat:room:read"]}), 201)
    child = Program(house.http, program.account, own)
    assert (program.token["grantedBy"], own["createdBy"], own["grantedBy"]) == (maker.id, program.account["id"], maker.id)
    expect(await founder.patch(f"{here(founder)}/members/{maker.id}", {"role": "agent"}), 200)
    assert refusal(await program.ask("GET", "/api/audit")) == (403, "permission_is_missing")
    assert "audit:log:read" not in expect(await program.ask("GET", "/api/auth/me"), 200)["permissions"]
    expect(await child.ask("GET", "/api/collab/threads"), 200)
    expect(await founder.delete(f"{here(founder)}/members/{maker.id}"), 204)
    for one in (program, child):
        assert refusal(await one.ask("GET", "/api/collab/threads")) == (401, "token_is_not_valid")
    taken_over = expect(await founder.post(f"{account}/tokens/{program.token['id']}/rotate", {}), 201)
    assert (taken_over["createdBy"], taken_over["grantedBy"]) == (maker.id, founder.id)
    expect(await Program(house.http, program.account, taken_over).ask("GET", "/api/audit"), 200)


async def test_a_token_gives_no_longer_life_than_its_own(house: House) -> None:
    founder = await lab_of(house)
    account = expect(await founder.post("/api/service-accounts", {"name": "Bot"}), 201)
    path = f"/api/service-accounts/{account['id']}/tokens"
    ours = expect(await founder.post(path, {"name": "main", "scopes": list(MANAGE), "expiresInDays": 1}), 201)
    program = Program(house.http, account, ours)
    for days in ({}, {"expiresInDays": 30}):
        made = expect(await program.ask("POST", path, {"name": "child", "scopes": list(MANAGE), **days}), 201)
        assert made["expiresAt"] == ours["expiresAt"]
    endless = expect(await founder.post(path, {"name": "endless", "scopes": list(MANAGE)}), 201)
    assert expect(await program.ask("POST", f"{path}/{endless['id']}/rotate", {}), 201)["expiresAt"] == ours["expiresAt"]


async def test_a_program_lets_nobody_post_for_contacts_who_may_not_itself(house: House) -> None:
    founder = await lab_of(house)
    program = await program_of(house, founder, *MANAGE)
    body = {"name": "child", "scopes": ["chat:message:send-for-contact"]}
    assert refusal(await program.ask("POST", tokens_of(program), body)) == (403, "grant_exceeds_yours")
    given = expect(await founder.post(tokens_of(program), body), 201)
    assert refusal(await program.ask("POST", f"{tokens_of(program)}/{given['id']}/rotate", {})) == (403, "grant_exceeds_yours")


async def test_of_two_admins_who_remove_each_other_one_stays(house: House) -> None:
    founder = await lab_of(house)
    for _ in range(3):
        one, other = await member_of(founder, "admin"), await member_of(founder, "admin")
        answers = await asyncio.gather(one.delete(f"{here(founder)}/members/{other.id}"), other.delete(f"{here(founder)}/members/{one.id}"))
        codes = sorted(answer.status_code for answer in answers)
        assert codes in ([204, 401], [204, 403]), [answer.text for answer in answers]


async def test_nobody_is_shown_as_more_than_whoever_gave_the_role(house: House) -> None:
    founder = await lab_of(house)
    clerk = ["identity:role:assign", "workspace:member:invite", "chat:room:read"]
    expect(await founder.post("/api/roles", {"name": "figurehead", "baseRole": "admin", "permissions": ["chat:room:read"]}), 201)
    expect(await founder.post("/api/roles", {"name": "clerk", "baseRole": "guest", "permissions": clerk}), 201)
    inside = await member_of(founder, "clerk")
    for answer in (
        await inside.patch(f"{here(inside)}/members/{inside.id}", {"role": "figurehead"}),
        await inside.post(f"{here(inside)}/invitations", {"role": "figurehead"}),
    ):
        assert refusal(answer) == (403, "grant_exceeds_yours")


async def test_one_invitation_lets_one_of_many_in(house: House) -> None:
    founder = await lab_of(house)
    people = [await register(house.http) for _ in range(5)]
    made = await invited(founder)
    answers = await asyncio.gather(
        *(person.post("/api/auth/invitations/accept", {"token": made["token"]}) for person in people),
        *(sign_up(house, made) for _ in range(3)),
    )
    assert sorted(answer.status_code for answer in answers)[1:] == [409] * 7
    assert {refusal(answer) for answer in answers if answer.status_code == 409} == {(409, "invitation_is_not_valid")}
    members = expect(await founder.get(f"{here(founder)}/members"), 200)["members"]
    assert len(members) == 2
