"""Workspaces over HTTP: made, gone to, joined and left; what is in one is nowhere else."""

from uuid import UUID

from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.house import House, register
from tests.system.people import PASSWORD, Json, Person, expect, path_of, refusal


async def lab_of(house: House) -> Person:
    """Somebody in a workspace that they made."""
    founder = await register(house.http)
    made = expect(await founder.post("/api/workspaces", {"name": "Lab"}), 201)
    return await switched(founder, made["id"])


async def switched(person: Person, workspace_id: str) -> Person:
    return Person(person.http, expect(await person.post("/api/auth/switch", {"workspaceId": workspace_id}), 200))


def here(person: Person) -> str:
    return f"/api/workspaces/{UUID(person.user['workspaceId'])}"


async def invited(by: Person, **fields: object) -> Json:
    return expect(await by.post(f"{here(by)}/invitations", dict(fields)), 201)


async def member_of(founder: Person, role: str) -> Person:
    """Somebody in the workspace, by an invitation."""
    person = await register(founder.http)
    made = await invited(founder, role=role)
    there = expect(await person.post("/api/auth/invitations/accept", {"token": made["token"]}), 200)
    return await switched(person, there["id"])


async def test_who_makes_a_workspace_goes_there_as_its_admin(house: House) -> None:
    founder = await register(house.http)
    answer = await founder.post("/api/workspaces", {"name": " Lab "})
    made = expect(answer, 201)
    assert (made["name"], made["role"], answer.headers["location"]) == ("Lab", "admin", f"/api/workspaces/{made['id']}")
    there = await switched(founder, made["id"])
    assert (there.user["workspaceId"], there.user["role"]) == (made["id"], "admin")
    assert "workspace:member:invite" in there.user["permissions"]
    mine = expect(await founder.get("/api/workspaces"), 200)
    assert [one["id"] for one in mine["workspaces"]] == [founder.user["workspaceId"], made["id"]]
    assert expect(await there.get(f"/api/workspaces/{made['id']}"), 200) == made


async def test_a_thread_of_one_workspace_is_missing_in_another(house: House) -> None:
    founder = await lab_of(house)
    thread = await founder.open()
    at_home = await switched(founder, str(house.workspace_id))
    assert refusal(await at_home.get(path_of(thread))) == (404, "thread_not_found")
    assert thread["id"] not in [one["id"] for one in (await at_home.threads())["threads"]]
    assert expect(await founder.get(path_of(thread)), 200)["id"] == thread["id"], "a token stays good for its own workspace"


async def test_paths_and_bodies_lead_into_no_other_workspace(house: House) -> None:
    founder, other = await lab_of(house), await lab_of(house)
    for identifier in (other.user["workspaceId"], str(house.workspace_id), str(new_id())):
        path = f"/api/workspaces/{identifier}"
        asked = [
            await founder.get(path),
            await founder.patch(path, {"name": "Mine"}),
            await founder.get(f"{path}/members"),
            await founder.patch(f"{path}/members/{other.id}", {"role": "guest"}),
            await founder.delete(f"{path}/members/{other.id}"),
            await founder.post(f"{path}/invitations", {"role": "admin"}),
            await founder.get(f"{path}/invitations"),
        ]
        assert {refusal(answer) for answer in asked} == {(404, "workspace_not_found")}
    assert refusal(await founder.post("/api/auth/switch", {"workspaceId": other.user["workspaceId"]})) == (404, "workspace_not_found")
    assert refusal(await founder.patch(f"{here(founder)}/members/{other.id}", {"role": "guest"})) == (404, "member_not_found")
    assert refusal(await founder.patch(here(founder), {"name": "Mine", "workspaceId": other.user["workspaceId"]}))[0] == 422
    assert refusal(await founder.patch(here(founder), {"name": "Mine", "isDefault": True}))[0] == 422


async def test_whoever_has_the_link_joins_once(house: House) -> None:
    founder, guest, late = await lab_of(house), await register(house.http), await register(house.http)
    made = await invited(founder, role="guest", expiresInHours=1)
    assert [one["id"] for one in expect(await founder.get(f"{here(founder)}/invitations"), 200)["invitations"]] == [made["id"]]
    joined = expect(await guest.post("/api/auth/invitations/accept", {"token": made["token"]}), 200)
    assert (joined["id"], joined["role"]) == (founder.user["workspaceId"], "guest")
    assert (await switched(guest, joined["id"])).user["role"] == "guest"
    for person in (guest, late):
        assert refusal(await person.post("/api/auth/invitations/accept", {"token": made["token"]})) == (409, "invitation_is_not_valid")
    assert expect(await founder.get(f"{here(founder)}/invitations"), 200)["invitations"] == []


async def test_who_registers_with_an_invitation_is_in_its_workspace(house: House) -> None:
    founder = await lab_of(house)
    made = await invited(founder, role="agent")
    body = {"email": f"{new_id().hex}@people.example", "password": "correct horse", "name": "Zoe", "invitation": made["token"]}
    zoe = Person(house.http, expect(await house.http.post("/api/auth/register", json=body), 201))
    assert (zoe.user["workspaceId"], zoe.user["role"]) == (founder.user["workspaceId"], "agent")
    assert [one["id"] for one in expect(await zoe.get("/api/workspaces"), 200)["workspaces"]] == [founder.user["workspaceId"]]


async def test_a_revoked_invitation_leads_nowhere(house: House) -> None:
    founder, guest = await lab_of(house), await register(house.http)
    made = await invited(founder)
    path = f"{here(founder)}/invitations/{made['id']}"
    for _ in range(2):
        expect(await founder.delete(path), 204)
    assert refusal(await guest.post("/api/auth/invitations/accept", {"token": made["token"]})) == (409, "invitation_is_not_valid")


async def test_who_is_removed_is_out_in_the_very_next_request(house: House) -> None:
    founder, member = await lab_of(house), await register(house.http)
    token = (await invited(founder))["token"]
    joined = expect(await member.post("/api/auth/invitations/accept", {"token": token}), 200)
    inside = await switched(member, joined["id"])
    expect(await inside.get("/api/auth/me"), 200)
    expect(await founder.delete(f"{here(founder)}/members/{member.id}"), 204)
    assert refusal(await inside.get("/api/auth/me")) == (401, "session_has_ended")


async def test_members_leave_and_the_last_admin_stays(house: House) -> None:
    founder, member = await lab_of(house), await register(house.http)
    token = (await invited(founder))["token"]
    joined = expect(await member.post("/api/auth/invitations/accept", {"token": token}), 200)
    inside = await switched(member, joined["id"])
    assert refusal(await inside.delete(f"{here(inside)}/members/{founder.id}")) == (403, "permission_is_missing")
    expect(await inside.delete(f"{here(inside)}/members/{inside.id}"), 204)
    assert refusal(await founder.delete(f"{here(founder)}/members/{founder.id}")) == (409, "workspace_needs_an_admin")
    assert refusal(await founder.patch(f"{here(founder)}/members/{founder.id}", {"role": "agent"})) == (409, "workspace_needs_an_admin")


async def test_a_custom_role_grants_from_the_next_request_on(house: House) -> None:
    founder, member = await lab_of(house), await register(house.http)
    expect(await founder.post("/api/roles", {"name": "reader", "baseRole": "agent", "permissions": ["chat:room:read"]}), 201)
    token = (await invited(founder, role="reader"))["token"]
    joined = expect(await member.post("/api/auth/invitations/accept", {"token": token}), 200)
    assert (joined["role"], joined["roleName"]) == ("agent", "reader")
    inside = await switched(member, joined["id"])
    assert refusal(await inside.get("/api/audit")) == (403, "permission_is_missing")
    granted = ["chat:room:read", "audit:log:read"]
    expect(await founder.patch("/api/roles/reader", {"permissions": granted}), 200)
    log = expect(await inside.get("/api/audit", action="identity:role:change"), 200)["entries"]
    assert [(one["actorId"], one["details"]["name"]) for one in log] == [(founder.id, "reader")]
    assert set(granted) <= set(expect(await inside.get("/api/auth/me"), 200)["permissions"])
    assert refusal(await founder.delete("/api/roles/reader")) == (409, "role_is_in_use")
    assert refusal(await founder.delete("/api/roles/client")) == (409, "role_is_built_in")


async def test_what_is_no_name_is_no_role(house: House) -> None:
    founder = await lab_of(house)
    for name in ("%00", "a%00b", "x" * 5_000, "%F0%9F%91%A9", "A", "agent%0A", "'"):
        for answer in (
            await founder.get(f"/api/roles/{name}"),
            await founder.patch(f"/api/roles/{name}", {"permissions": []}),
            await founder.delete(f"/api/roles/{name}"),
        ):
            assert refusal(answer) == (404, "role_not_found"), name
    for name in ("a\0b", "", "👩", "agent\n"):
        answer = await founder.patch(f"{here(founder)}/members/{founder.id}", {"role": name})
        assert refusal(answer) == (422, "role_is_not_usable"), name
        assert refusal(await founder.post("/api/roles", {"name": name, "permissions": []}))[0] == 422


async def test_nobody_grants_themself_more(house: House) -> None:
    founder, member = await lab_of(house), await register(house.http)
    clerk = ["identity:role:assign", "identity:role:manage", "identity:service:manage", "workspace:member:invite"]
    expect(await founder.post("/api/roles", {"name": "clerk", "baseRole": "guest", "permissions": clerk}), 201)
    token = (await invited(founder, role="clerk"))["token"]
    joined = expect(await member.post("/api/auth/invitations/accept", {"token": token}), 200)
    inside = await switched(member, joined["id"])
    account = expect(await inside.post("/api/service-accounts", {"name": "Bot"}), 201)
    asked = [
        await inside.patch("/api/roles/clerk", {"permissions": [*clerk, "audit:log:read"]}),
        await inside.patch(f"{here(inside)}/members/{inside.id}", {"role": "admin"}),
        await inside.patch(f"/api/users/{inside.id}", {"role": "admin"}),
        await inside.post(f"{here(inside)}/invitations", {"role": "admin"}),
        await inside.post(f"/api/service-accounts/{account['id']}/tokens", {"name": "x", "scopes": ["audit:log:read"]}),
    ]
    assert {refusal(answer) for answer in asked} == {(403, "grant_exceeds_yours")}


async def test_system_is_no_role_for_people(house: House) -> None:
    founder = await lab_of(house)
    assert refusal(await founder.post(f"{here(founder)}/invitations", {"role": Role.SYSTEM})) == (422, "role_is_not_usable")
    assert refusal(await founder.patch(f"{here(founder)}/members/{founder.id}", {"role": Role.SYSTEM})) == (422, "role_is_not_usable")


async def test_what_was_made_is_where_its_location_says(house: House) -> None:
    founder = await lab_of(house)
    account = expect(await founder.post("/api/service-accounts", {"name": "Bot"}), 201)
    tokens = f"/api/service-accounts/{account['id']}/tokens"
    for path, sent in (
        (f"{here(founder)}/invitations", {"role": "guest"}),
        (tokens, {"name": "main", "scopes": ["chat:room:read"]}),
        ("/api/roles", {"name": "auditor", "permissions": []}),
    ):
        made = await founder.post(path, sent)
        body = expect(made, 201)
        assert expect(await founder.get(made.headers["location"]), 200) == {name: body[name] for name in body if name != "token"}
    token = expect(await founder.get(tokens), 200)["tokens"][0]
    rotated = await founder.post(f"{tokens}/{token['id']}/rotate", {})
    assert (rotated.status_code, rotated.headers["location"]) == (201, f"{tokens}/{token['id']}")
    listed = expect(await founder.get(f"{here(founder)}/members"), 200)["members"]
    assert expect(await founder.get(f"{here(founder)}/members/{founder.id}"), 200) == listed[0]
    sessions = expect(await founder.get("/api/auth/sessions"), 200)["sessions"]
    assert expect(await founder.get(f"/api/auth/sessions/{founder.session_id}"), 200) == sessions[0]


async def test_what_is_deleted_again_is_deleted(house: House) -> None:
    founder, member = await lab_of(house), await register(house.http)
    made = await invited(founder)
    expect(await member.post("/api/auth/invitations/accept", {"token": made["token"]}), 200)
    expect(await founder.post("/api/roles", {"name": "passing", "permissions": []}), 201)
    for path in (f"{here(founder)}/members/{member.id}", "/api/roles/passing"):
        for _ in range(2):
            expect(await founder.delete(path), 204)
        assert (await founder.get(path)).status_code == 404
    assert refusal(await founder.delete("/api/roles/never-there")) == (404, "role_not_found")
    assert refusal(await founder.delete(f"{here(founder)}/members/{new_id()}")) == (404, "member_not_found")


async def test_nothing_needs_to_be_sent_where_nothing_is_required(house: House) -> None:
    founder, member = await lab_of(house), await register(house.http)
    made = expect(await founder.ask("POST", f"{here(founder)}/invitations"), 201)
    expect(await member.post("/api/auth/invitations/accept", {"token": made["token"]}), 200)
    for verb in ("suspend", "reinstate"):
        expect(await founder.ask("POST", f"/api/users/{member.id}/{verb}"), 200)
    assert refusal(await founder.ask("POST", "/api/workspaces")) == (415, "media_type_is_not_supported")
    untold = await house.http.post(f"/api/users/{member.id}/suspend", content=b"{}", headers=founder.bearer)
    assert refusal(untold) == (415, "media_type_is_not_supported")


async def test_who_signs_in_with_an_invitation_joins_and_is_there(house: House) -> None:
    founder, member = await lab_of(house), await register(house.http)
    made = await invited(founder, role="agent")
    known = {"email": member.user["email"], "password": PASSWORD}
    wrong = await house.http.post("/api/auth/login", json=known | {"invitation": "one that was never given out"})
    assert refusal(wrong) == (409, "invitation_is_not_valid")
    signed_in = expect(await house.http.post("/api/auth/login", json=known | {"invitation": made["token"]}), 200)
    assert (signed_in["user"]["workspaceId"], signed_in["user"]["role"]) == (founder.user["workspaceId"], "agent")
    assert expect(await founder.get(f"{here(founder)}/invitations"), 200)["invitations"] == []


async def test_clients_see_who_serves_them_and_not_each_other(house: House) -> None:
    founder = await lab_of(house)
    expect(await founder.post("/api/roles", {"name": "patient", "baseRole": "guest", "permissions": ["identity:user:read"]}), 201)
    one, other, agent, patient = [await member_of(founder, role) for role in ("client", "client", "agent", "patient")]
    for caller in (one, patient):
        pages = [expect(await caller.get("/api/users", limit=2), 200)]
        pages.append(expect(await caller.get("/api/users", limit=2, cursor=pages[0]["nextCursor"]), 200))
        seen = [user["id"] for page in pages for user in page["users"]]
        assert (sorted(seen), pages[1]["hasMore"]) == (sorted([founder.id, agent.id, caller.id]), False)
        assert [user["id"] for user in expect(await caller.get("/api/users", q=other.user["username"]), 200)["users"]] == []
        assert refusal(await caller.get(f"/api/users/{other.id}")) == (404, "user_not_found")
        shown = expect(await caller.get(f"/api/users/{agent.id}"), 200)
        assert (shown["id"], shown["email"], shown["accountStatus"]) == (agent.id, None, None)
        assert expect(await caller.get(f"/api/users/{caller.id}"), 200)["accountStatus"] == "pending-verification"
    assert expect(await agent.get(f"/api/users/{one.id}"), 200)["accountStatus"] == "pending-verification"
    assert len(expect(await agent.get("/api/users"), 200)["users"]) == 5
