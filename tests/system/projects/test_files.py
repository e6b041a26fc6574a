"""Files of projects through the API: paths, versions, and nobody who overwrites what they have not seen."""

import asyncio
from unittest.mock import ANY

import httpx2
import pytest

from shared.identifiers import new_id
from tests.system.house import House
from tests.system.people import Json, expect, refusal, wrong_fields
from tests.system.projects.team import Team


async def add(team: Team, path: str, content: str = "", **fields: object) -> Json:
    return expect(await team.member.post(team.at("files"), {"path": path, "content": content, **fields}), 201)


async def change(team: Team, file: Json, version: int, **fields: object) -> httpx2.Response:
    return await team.member.ask("PATCH", team.at("files", file["id"]), fields, if_match=f'"{version}"')


async def paths_of(team: Team, **query: object) -> list[str]:
    return [file["path"] for file in expect(await team.member.get(team.at("files"), **query), 200)["files"]]


async def test_a_file_is_shown_with_all_its_fields(team: Team) -> None:
    sent = {"path": "src/app/page.tsx", "content": "export {} // é", "type": "GENERATED", "language": "tsx"}
    answer = await team.member.post(team.at("files"), sent)
    file = expect(answer, 201)
    assert file == sent | {
        "id": ANY,
        "projectId": team.project["id"],
        "name": "page.tsx",
        "size": 15,
        "createdBy": team.member.id,
        "updatedBy": team.member.id,
        "createdAt": ANY,
        "updatedAt": file["createdAt"],
        "version": 1,
    }
    assert (answer.headers["location"], answer.headers["etag"]) == (team.at("files", file["id"]), '"1"')
    shown = await team.owner.get(answer.headers["location"])
    assert (expect(shown, 200), shown.headers["etag"]) == (file, '"1"')


async def test_files_are_listed_by_their_paths_without_contents(team: Team) -> None:
    for path in ("src/b.ts", "src/a/x.ts", "README.md", "src.md"):
        await add(team, path, "something")
    page = expect(await team.member.get(team.at("files"), limit=3), 200)
    rest = expect(await team.member.get(team.at("files"), limit=3, cursor=page["nextCursor"]), 200)
    assert [file["path"] for file in page["files"] + rest["files"]] == ["README.md", "src.md", "src/a/x.ts", "src/b.ts"]
    assert all("content" not in file and file["size"] == 9 for file in page["files"])
    assert await paths_of(team, folder="src") == ["src/a/x.ts", "src/b.ts"]
    assert refusal(await team.member.get(team.at("files"), folder="src", cursor=page["nextCursor"])) == (400, "cursor_is_not_valid")


async def test_what_is_known_of_a_file_is_not_sent_again(team: Team, house: House) -> None:
    file = await add(team, "a.ts", "one")
    path = team.at("files", file["id"])
    known = await team.member.ask("GET", path, if_none_match='"1"')
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", '"1"')
    changed = await team.member.ask("PATCH", path, {"content": "two"}, if_match='"1"', if_none_match="*")
    assert expect(changed, 200)["content"] == "two"
    assert expect(await team.member.ask("GET", path, if_none_match='"1"'), 200)["content"] == "two"
    document = expect(await house.http.get("/api/openapi.json"), 200)
    described = document["paths"]["/api/projects/{projectId}/files/{fileId}"]["get"]
    assert list(described["responses"])[:2] == ["200", "304"]


async def test_a_write_says_which_version_it_changes(team: Team) -> None:
    file = await add(team, "a.ts", "one")
    path = team.at("files", file["id"])
    assert refusal(await team.member.patch(path, {"content": "two"})) == (428, "version_is_not_said")
    changed = await change(team, file, 1, content="two")
    assert (expect(changed, 200)["content"], changed.headers["etag"]) == ("two", '"2"')
    assert refusal(await change(team, file, 1, content="three")) == (412, "version_is_stale")
    assert refusal(await team.member.ask("PATCH", path, {"content": "three"}, if_match='W/"2"')) == (412, "version_is_stale")
    assert expect(await team.member.get(path), 200)["content"] == "two"
    assert wrong_fields(await team.member.patch(path, {"content": "three", "ifMatch": '"2"'})) == {"ifMatch": "unknown_field"}
    assert expect(await team.member.ask("PATCH", path, {"content": "three"}, if_match='"7", "2"'), 200)["version"] == 3
    assert expect(await team.member.ask("PATCH", path, {"content": "four"}, if_match="*"), 200)["version"] == 4


async def test_of_many_who_change_one_version_one_does(team: Team) -> None:
    file = await add(team, "a.ts", "one")
    answers = await asyncio.gather(*(change(team, file, 1, content=f"by {place}") for place in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 9]
    (winner,) = [answer.json()["content"] for answer in answers if answer.status_code == 200]
    assert expect(await team.member.get(team.at("files", file["id"])), 200)["content"] == winner


async def test_every_version_of_a_file_can_be_read(team: Team) -> None:
    file = await add(team, "a.ts", "one")
    expect(await change(team, file, 1, content="two"), 200)
    expect(await change(team, file, 2, path="b.ts"), 200)
    expect(await change(team, file, 3, content="three"), 200)
    path = team.at("files", file["id"])
    page = expect(await team.member.get(f"{path}/versions", limit=3), 200)
    rest = expect(await team.member.get(f"{path}/versions", limit=3, cursor=page["nextCursor"]), 200)
    versions = page["versions"] + rest["versions"]
    assert [(one["version"], one["path"]) for one in versions] == [(4, "b.ts"), (3, "b.ts"), (2, "a.ts"), (1, "a.ts")]
    contents = [expect(await team.member.get(path, version=version), 200)["content"] for version in (1, 2, 3, 4)]
    assert contents == ["one", "two", "two", "three"]
    assert refusal(await team.member.get(path, version=5)) == (404, "file_not_found")


async def test_a_path_is_there_once(team: Team) -> None:
    file = await add(team, "src/a.ts")
    other = await add(team, "b.ts")
    for path in ("src/a.ts", "src", "src/a.ts/x"):
        assert refusal(await team.member.post(team.at("files"), {"path": path})) == (409, "path_is_taken")
        assert refusal(await change(team, other, 1, path=path)) == (409, "path_is_taken")
    path = team.at("files", file["id"])
    expect(await team.maintainer.ask("DELETE", path, if_match='"1"'), 204)
    await add(team, "src/a.ts", "again")


async def test_of_many_who_make_one_path_one_does(team: Team) -> None:
    answers = await asyncio.gather(*(team.member.post(team.at("files"), {"path": "a.ts"}) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 9]


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "a/../b", "./a", "a\\b", "a\n", " a", "a/ b", "a" * 256, "a/" * 256 + "b", "\0"])
async def test_a_path_is_one(path: str, team: Team) -> None:
    assert set(wrong_fields(await team.member.post(team.at("files"), {"path": path}))) == {"path"}


async def test_paths_that_look_the_same_are(team: Team) -> None:
    assert (await add(team, "caf\u0065\u0301.ts"))["path"] == "caf\u00e9.ts"
    assert refusal(await team.member.post(team.at("files"), {"path": "caf\u00e9.ts"})) == (409, "path_is_taken")


async def test_a_file_is_as_large_as_it_may_be(team: Team) -> None:
    file = await add(team, "a.txt", "a" * 524_288)
    assert refusal(await team.member.post(team.at("files"), {"path": "b.txt", "content": "a" * 524_289})) == (
        413,
        "project_file_is_too_large",
    )
    assert refusal(await change(team, file, 1, content="é" * 262_145)) == (413, "project_file_is_too_large")


async def test_a_folder_is_moved_with_all_that_is_in_it(team: Team) -> None:
    for path in ("src/a.ts", "src/lib/b.ts", "srcs/c.ts", "docs/d.md"):
        await add(team, path, path)
    moved = await team.member.post(team.at("files", "move"), {"fromPath": "src", "toPath": "docs/src"})
    assert expect(moved, 200) == {"moved": 2}
    assert await paths_of(team) == ["docs/d.md", "docs/src/a.ts", "docs/src/lib/b.ts", "srcs/c.ts"]
    (file,) = expect(await team.member.get(team.at("files"), folder="docs/src/lib"), 200)["files"]
    assert (file["name"], file["version"]) == ("b.ts", 2)
    assert expect(await team.member.get(team.at("files", file["id"])), 200)["content"] == "src/lib/b.ts"


async def test_a_folders_files_may_take_each_others_paths(team: Team) -> None:
    for path in ("a/b/b/x", "a/b/x"):
        await add(team, path, path)
    expect(await team.member.post(team.at("files", "move"), {"fromPath": "a/b", "toPath": "a"}), 200)
    assert await paths_of(team) == ["a/b/x", "a/x"]


async def test_a_folder_is_moved_whole_or_not_at_all(team: Team) -> None:
    for path in ("a/1", "a/2", "b/2", "c"):
        await add(team, path)
    for target in ("b", "c"):
        body = {"fromPath": "a", "toPath": target}
        assert refusal(await team.member.post(team.at("files", "move"), body)) == (409, "path_is_taken")
    assert await paths_of(team) == ["a/1", "a/2", "b/2", "c"]
    wrong = {"fromPath": "a", "toPath": "a/b"}
    assert wrong_fields(await team.member.post(team.at("files", "move"), wrong)) == {"toPath": "within_itself"}
    assert wrong_fields(await team.member.post(team.at("files", "move"), {"fromPath": "x", "toPath": "y"})) == {"fromPath": "not_found"}
    long = {"fromPath": "a", "toPath": "/".join(["a" * 200] * 2 + ["a" * 109])}
    assert wrong_fields(await team.member.post(team.at("files", "move"), long)) == {"toPath": "too_long"}


async def test_a_folder_that_is_renamed_keeps_its_contents_once(team: Team, house: House) -> None:
    file = await add(team, "a/1", "content")
    expect(await team.member.post(team.at("files", "move"), {"fromPath": "a", "toPath": "b"}), 200)
    kept = await house.database.fetchval("SELECT content FROM projects.files_history WHERE id = $1", file["id"])
    assert kept is None
    assert expect(await team.member.get(team.at("files", file["id"]), version=1), 200)["content"] == "content"


async def test_maintainers_delete_files_and_members_do_not(team: Team) -> None:
    file = await add(team, "a.ts")
    path = team.at("files", file["id"])
    assert refusal(await team.member.ask("DELETE", path, if_match='"1"')) == (403, "project_role_is_not_enough")
    assert refusal(await team.maintainer.delete(path)) == (428, "version_is_not_said")
    assert refusal(await team.maintainer.ask("DELETE", path, if_match='"2"')) == (412, "version_is_stale")
    expect(await team.maintainer.ask("DELETE", path, if_match='"1"'), 204)
    expect(await team.maintainer.delete(path), 204)
    assert refusal(await team.member.get(path)) == (404, "file_not_found")
    assert refusal(await team.member.get(team.at("files", str(new_id())))) == (404, "file_not_found")


async def test_what_happens_to_files_is_told_without_their_contents(team: Team, house: House) -> None:
    before = len(await house.events("projects", team.project["id"]))
    file = await add(team, "a.ts", "a secret of many bytes")
    expect(await change(team, file, 1, content="another secret"), 200)
    assert (await house.events("projects", team.project["id"]))[before:] == ["file_changed", "file_changed"]
    told = await house.database.fetch("SELECT data FROM projects.outbox WHERE subject LIKE $1", f"%.file_changed.%.{team.project['id']}")
    assert [row["data"] for row in told if "secret" in row["data"]] == []
