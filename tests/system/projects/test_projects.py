"""Projects and their members through the API (spec 4)."""

import asyncio
from unittest.mock import ANY

import pytest

from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.house import House
from tests.system.people import Person, expect, refusal, wrong_fields
from tests.system.projects.team import PROJECTS, Team, begin, join, path_of


async def test_who_begins_a_project_is_its_owner(client: Person) -> None:
    answer = await client.post(PROJECTS, {"name": "  Turin  ", "description": "A trip"})
    project = expect(answer, 201)
    assert project == {
        "id": ANY,
        "name": "Turin",
        "description": "A trip",
        "threadId": ANY,
        "archived": False,
        "createdBy": client.id,
        "createdAt": ANY,
        "updatedAt": project["createdAt"],
        "version": 1,
        "role": "OWNER",
        "memberCount": 1,
    }
    assert answer.headers["location"] == path_of(project)
    assert expect(await client.get(path_of(project)), 200) == project
    (member,) = expect(await client.get(f"{path_of(project)}/members"), 200)["members"]
    assert (member["userId"], member["role"], member["workspaceRole"]) == (client.id, "OWNER", "client")


async def test_a_project_is_seen_by_its_members_alone(team: Team, house: House) -> None:
    for outsider in (team.stranger, house.host, await house.elsewhere(Role.ADMIN)):
        assert refusal(await outsider.get(team.path)) == (404, "project_not_found")
        assert team.project["id"] not in [one["id"] for one in expect(await outsider.get(PROJECTS), 200)["projects"]]
    for insider, role in ((team.owner, "OWNER"), (team.maintainer, "MAINTAINER"), (team.member, "MEMBER")):
        shown = expect(await insider.get(team.path), 200)
        assert (shown["role"], shown["memberCount"]) == (role, 3)


async def test_one_who_is_removed_is_refused_from_the_next_request_on(team: Team) -> None:
    expect(await team.maintainer.delete(team.at("members", team.member.id)), 204)
    assert refusal(await team.member.get(team.path)) == (404, "project_not_found")
    expect(await team.maintainer.delete(team.at("members", team.member.id)), 204)
    await join(team.project, team.maintainer, team.member)
    assert expect(await team.member.get(team.path), 200)["role"] == "MEMBER"


async def test_the_last_owner_cannot_leave(team: Team) -> None:
    own = team.at("members", team.owner.id)
    assert refusal(await team.owner.delete(own)) == (409, "project_needs_an_owner")
    assert refusal(await team.owner.patch(own, {"role": "MEMBER"})) == (409, "project_needs_an_owner")
    expect(await team.owner.patch(team.at("members", team.member.id), {"role": "OWNER"}), 200)
    expect(await team.owner.delete(own), 204)
    assert refusal(await team.owner.get(team.path)) == (404, "project_not_found")


async def test_of_two_owners_who_leave_at_once_one_stays(team: Team) -> None:
    expect(await team.owner.patch(team.at("members", team.member.id), {"role": "OWNER"}), 200)
    answers = await asyncio.gather(*(one.delete(team.at("members", one.id)) for one in (team.owner, team.member)))
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_where_the_owners_left_the_workspace_those_next_below_make_a_new_one(team: Team, house: House) -> None:
    refused = (403, "project_role_is_not_enough")
    heir = team.at("members", team.maintainer.id)
    assert refusal(await team.maintainer.patch(heir, {"role": "OWNER"})) == refused
    expect(await house.host.delete(f"/api/workspaces/{house.workspace_id}/members/{team.owner.id}"), 204)
    assert refusal(await team.member.patch(team.at("members", team.member.id), {"role": "OWNER"})) == refused
    assert refusal(await team.maintainer.patch(team.at("members", team.owner.id), {"role": "MEMBER"})) == refused
    assert expect(await team.maintainer.patch(heir, {"role": "OWNER"}), 200)["role"] == "OWNER"
    expect(await team.maintainer.delete(team.at("members", team.owner.id)), 204)
    assert expect(await team.maintainer.patch(team.path, {"name": "Ours"}), 200)["role"] == "OWNER"


async def test_where_nobody_above_them_is_left_members_make_a_new_owner(team: Team, house: House) -> None:
    for gone in (team.owner, team.maintainer):
        expect(await house.host.delete(f"/api/workspaces/{house.workspace_id}/members/{gone.id}"), 204)
    expect(await team.member.patch(team.at("members", team.member.id), {"role": "OWNER"}), 200)
    expect(await team.member.delete(team.path), 204)


async def test_nobody_gives_or_takes_a_role_above_their_own(team: Team) -> None:
    newcomer, refused = {"userId": team.stranger.id}, (403, "project_role_is_not_enough")
    assert refusal(await team.member.post(team.at("members"), newcomer)) == refused
    assert refusal(await team.maintainer.post(team.at("members"), newcomer | {"role": "OWNER"})) == refused
    assert refusal(await team.maintainer.delete(team.at("members", team.owner.id))) == refused
    assert refusal(await team.maintainer.patch(team.at("members", team.owner.id), {"role": "MEMBER"})) == (
        403,
        "project_role_is_not_enough",
    )
    expect(await team.maintainer.post(team.at("members"), newcomer | {"role": "MAINTAINER"}), 201)


async def test_members_of_the_workspace_alone_come_in_and_once(team: Team, house: House) -> None:
    elsewhere = await house.elsewhere(Role.ADMIN)
    assert wrong_fields(await team.owner.post(team.at("members"), {"userId": elsewhere.id})) == {"userId": "not_a_member"}
    assert refusal(await team.owner.post(team.at("members"), {"userId": team.member.id})) == (409, "already_in_the_project")
    assert refusal(await team.owner.get(team.at("members", str(new_id())))) == (404, "project_member_not_found")


async def test_members_are_paged(team: Team) -> None:
    first = expect(await team.member.get(team.at("members"), limit=2), 200)
    rest = expect(await team.member.get(team.at("members"), limit=2, cursor=first["nextCursor"]), 200)
    assert [one["userId"] for one in first["members"] + rest["members"]] == [team.owner.id, team.maintainer.id, team.member.id]
    assert (first["hasMore"], rest["hasMore"], rest["nextCursor"]) == (True, False, None)
    assert refusal(await team.member.get(team.at("members"), role="OWNER", cursor=first["nextCursor"])) == (400, "cursor_is_not_valid")


async def test_projects_are_listed_newest_first_and_found_by_their_names(client: Person) -> None:
    made = [await begin(client, name=name) for name in ("Turin 100%", "Milan", "Turin again")]
    page = expect(await client.get(PROJECTS, limit=2), 200)
    rest = expect(await client.get(PROJECTS, limit=2, cursor=page["nextCursor"]), 200)
    assert [one["id"] for one in page["projects"] + rest["projects"]] == [one["id"] for one in reversed(made)]
    found = expect(await client.get(PROJECTS, q="turin"), 200)["projects"]
    assert [one["name"] for one in found] == ["Turin again", "Turin 100%"]
    assert [one["name"] for one in expect(await client.get(PROJECTS, q="0%"), 200)["projects"]] == ["Turin 100%"]
    assert expect(await client.get(PROJECTS, q="%_"), 200)["projects"] == []


async def test_an_archived_project_can_be_read_and_restored_and_not_changed(team: Team) -> None:
    assert refusal(await team.maintainer.patch(team.path, {"archived": True})) == (403, "project_role_is_not_enough")
    expect(await team.owner.patch(team.path, {"archived": True}), 200)
    assert expect(await team.member.get(team.path), 200)["archived"]
    assert refusal(await team.owner.patch(team.path, {"name": "Another"})) == (409, "project_is_archived")
    assert refusal(await team.owner.post(team.at("members"), {"userId": team.stranger.id})) == (409, "project_is_archived")
    listed = expect(await team.member.get(PROJECTS, archived="true"), 200)["projects"]
    assert [one["id"] for one in listed] == [team.project["id"]]
    restored = expect(await team.owner.patch(team.path, {"archived": False, "name": "Milan"}), 200)
    assert (restored["archived"], restored["name"], restored["version"]) == (False, "Milan", 3)


async def test_a_deleted_project_is_not_there_and_is_deleted_again_by_its_owner(team: Team) -> None:
    assert refusal(await team.maintainer.delete(team.path)) == (403, "project_role_is_not_enough")
    expect(await team.owner.delete(team.path), 204)
    expect(await team.owner.delete(team.path), 204)
    assert refusal(await team.maintainer.delete(team.path)) == (403, "project_role_is_not_enough")
    assert refusal(await team.owner.get(team.path)) == (404, "project_not_found")
    assert refusal(await team.stranger.delete(team.path)) == (404, "project_not_found")


async def test_a_project_with_a_key_is_made_once(client: Person) -> None:
    key = str(new_id())
    answers = [await client.ask("POST", PROJECTS, {"name": "Once"}, idempotency_key=key) for _ in range(2)]
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    assert answers[0].json() == answers[1].json()


async def test_a_member_with_a_key_is_taken_in_once(team: Team) -> None:
    key = str(new_id())
    body = {"userId": team.stranger.id}
    answers = [await team.owner.ask("POST", team.at("members"), body, idempotency_key=key) for _ in range(2)]
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    assert answers[0].json() == answers[1].json()


async def test_what_happens_to_a_project_is_told_with_it(team: Team, house: House) -> None:
    expect(await team.owner.patch(team.path, {"name": "Milan", "archived": True, "reason": "Moved"}), 200)
    told = await house.events("projects", team.project["id"])
    begun = ["project_changed", "member_changed", *["column_changed"] * 3]
    assert told == [*begun, "member_changed", "member_changed", "project_changed"]
    assert await house.events("projects", team.owner.id) == ["action_audited"] * 3


async def test_what_is_done_to_projects_and_who_is_in_them_is_in_the_workspaces_audit_log(house: House) -> None:
    admin = await house.elsewhere(Role.ADMIN)
    owner, member = [await house.joining(admin, Role.CLIENT) for _ in range(2)]
    project = await begin(owner)
    await join(project, owner, member)
    for archived in (True, False):
        expect(await owner.patch(path_of(project), {"archived": archived, "reason": "Over"}), 200)
    expect(await owner.delete(path_of(project)), 204)

    async def logged() -> list[tuple[str, str, str]]:
        entries = expect(await admin.get("/api/audit", action="project:project:update"), 200)["entries"]
        return [(entry["actorId"], entry["targetId"], entry["details"]["did"]) for entry in entries]

    did = ["deleted", "restored", "archived", "member_created"]
    async with asyncio.timeout(10):
        while await logged() != [(owner.id, project["id"], what) for what in did]:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": "a" * 256}, {"name": "A", "description": "a" * 10_001}, {"name": "\0"}])
async def test_a_project_has_a_name(client: Person, body: dict[str, str]) -> None:
    assert wrong_fields(await client.post(PROJECTS, body))


async def test_what_a_project_was_is_kept_with_who_changed_it_and_why(team: Team, house: House) -> None:
    expect(await team.owner.patch(team.path, {"name": "Milan", "reason": "Moved"}), 200)
    row = await house.database.fetchrow(
        "SELECT name, changed_by::text, reason FROM projects.projects_history WHERE id = $1 ORDER BY history_id DESC", team.project["id"]
    )
    assert row is not None
    assert tuple(row) == ("Turin", team.owner.id, "Moved")
