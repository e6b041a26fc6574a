"""What the graph asks of tasks, files and pages, and what auditors read of a project."""

from uuid import UUID

from shared.contracts.principal import Principal, Role
from shared.contracts.projects.artifacts import DESCRIBE_ARTIFACTS, LIST_ARTIFACTS, DescribeArtifacts, ListArtifacts
from shared.contracts.roles import built_in_grants
from tests.system.house import House
from tests.system.people import Json, Person, expect, refusal
from tests.system.projects.team import Team, begin, join


def principal(person: Person) -> Principal:
    return Principal(
        user_id=UUID(person.id),
        session_id=UUID(person.session_id),
        workspace_id=UUID(person.user["workspaceId"]),
        role=Role.CLIENT,
        name=person.user["name"],
        grants=built_in_grants(Role.CLIENT),
    )


async def things_in(team: Team) -> list[Json]:
    task = expect(await team.member.post(team.at("tasks"), {"title": "Book it"}), 201)
    file = expect(await team.member.post(team.at("files"), {"path": "src/a.ts"}), 201)
    body = {"name": "Landing", "route": "/", "structure": {"type": "page"}}
    return [task, file, expect(await team.member.post(team.at("pages"), body), 201)]


async def test_members_are_told_what_is_in_their_projects_and_others_are_not(team: Team, house: House) -> None:
    things = await things_in(team)
    asked = DescribeArtifacts(ids=[UUID(thing["id"]) for thing in things])
    found = (await house.graph(DESCRIBE_ARTIFACTS, asked, principal(team.member))).artifacts
    assert [(str(one.id), one.type.value, one.title, one.number, str(one.project_id)) for one in found] == [
        (things[0]["id"], "TASK", "Book it", 1, team.project["id"]),
        (things[1]["id"], "FILE", "src/a.ts", None, team.project["id"]),
        (things[2]["id"], "PAGE", "Landing", None, team.project["id"]),
    ]
    assert (await house.graph(DESCRIBE_ARTIFACTS, asked, principal(team.stranger))).artifacts == []
    expect(await team.maintainer.delete(team.at("tasks", things[0]["id"])), 204)
    assert len((await house.graph(DESCRIBE_ARTIFACTS, asked, principal(team.member))).artifacts) == 2
    expect(await team.owner.delete(team.path), 204)
    assert (await house.graph(DESCRIBE_ARTIFACTS, asked, principal(team.member))).artifacts == []


async def test_all_artifacts_are_listed_by_their_ids_deleted_ones_too(team: Team, house: House) -> None:
    things = await things_in(team)
    expect(await team.maintainer.delete(team.at("pages", things[2]["id"])), 204)
    after, listed = None, list[tuple[str, bool]]()
    while True:
        page = (await house.graph(LIST_ARTIFACTS, ListArtifacts(after=after, limit=7), None)).artifacts
        listed += [(str(one.id), one.deleted) for one in page]
        if len(page) < 7:
            break
        after = page[-1].id
    ids = [identifier for identifier, _ in listed]
    assert ids == sorted(set(ids))
    assert [one for one in listed if one[0] in {thing["id"] for thing in things}] == [
        (things[0]["id"], False),
        (things[1]["id"], False),
        (things[2]["id"], True),
    ]


async def test_auditors_who_are_members_read_what_was_changed(house: House) -> None:
    auditor = await house.person(Role.ADMIN)
    client = await house.person()
    project = await begin(auditor)
    path = f"/api/projects/{project['id']}"
    await join(project, auditor, client)
    task = expect(await client.post(f"{path}/tasks", {"title": "one"}), 201)
    expect(await client.patch(f"{path}/tasks/{task['id']}", {"title": "two", "reason": "Better"}), 200)
    file = expect(await client.post(f"{path}/files", {"path": "a.ts", "content": "secret"}), 201)
    expect(await client.ask("PATCH", f"{path}/files/{file['id']}", {"content": "public"}, if_match='"1"'), 200)
    first = expect(await auditor.get(f"{path}/history", limit=2), 200)
    rest = expect(await auditor.get(f"{path}/history", cursor=first["nextCursor"]), 200)
    changes = first["changes"] + rest["changes"]
    assert [(one["kind"], one["operation"]) for one in changes] == [
        ("file", "UPDATE"),
        ("task", "UPDATE"),
        ("member", "INSERT"),
        ("member", "INSERT"),
    ]
    assert (changes[1]["before"]["title"], changes[1]["reason"], changes[1]["changedBy"]) == ("one", "Better", client.id)
    assert "content" not in changes[0]["before"]
    assert refusal(await client.get(f"{path}/history")) == (403, "permission_is_missing")
    assert refusal(await house.host.get(f"{path}/history")) == (404, "project_not_found")
