"""Pages of projects through the API: their structures are what the published schema says, and as deep and long as they may be."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from jsonschema import Draft202012Validator

from shared.contracts.projects.pages import STRUCTURE_BYTES, STRUCTURE_DEPTH
from tests.system.house import House
from tests.system.people import Json, expect, refusal, wrong_fields
from tests.system.projects.team import Team, begin, path_of

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[3] / "docs/page-structure.schema.json").read_text()))
STRUCTURE: Json = {"type": "page", "children": [{"type": "hero", "id": "top", "props": {"title": "Hello", "wide": True}}]}


async def add(team: Team, route: str = "/", **fields: object) -> Json:
    return expect(await team.member.post(team.at("pages"), {"name": "Page", "route": route, "structure": STRUCTURE, **fields}), 201)


def nested(depth: int) -> Json:
    structure: Json = {"type": "box"}
    for _ in range(depth - 1):
        structure = {"type": "box", "children": [structure]}
    return structure


async def test_a_page_is_shown_with_all_its_fields(team: Team) -> None:
    file = expect(await team.member.post(team.at("files"), {"path": "page.tsx"}), 201)
    sent = {"name": "Landing", "route": "/landing", "structure": STRUCTURE, "linkedFileId": file["id"]}
    answer = await team.member.post(team.at("pages"), sent)
    page = expect(answer, 201)
    assert page == sent | {
        "id": ANY,
        "projectId": team.project["id"],
        "createdBy": team.member.id,
        "updatedBy": team.member.id,
        "createdAt": ANY,
        "updatedAt": page["createdAt"],
        "version": 1,
    }
    assert (answer.headers["location"], answer.headers["etag"]) == (team.at("pages", page["id"]), '"1"')
    assert expect(await team.owner.get(answer.headers["location"]), 200) == page
    (entry,) = expect(await team.owner.get(team.at("pages")), 200)["pages"]
    assert entry == {name: value for name, value in page.items() if name != "structure"}


@pytest.mark.parametrize(
    "structure",
    [
        *({}, {"type": ""}, {"type": 1}, {"type": "a", "colour": "red"}, {"type": "a", "children": {}}, {"type": "a", "props": []}),
        *({"type": "a", "children": [{}]}, {"type": "a", "children": [{"type": "b", "children": ["c"]}]}, {"type": "a" * 65}),
    ],
    ids=str,
)
async def test_what_the_published_schema_refuses_is_refused(structure: Any, team: Team) -> None:
    assert not SCHEMA.is_valid(structure)
    assert wrong_fields(await team.member.post(team.at("pages"), {"name": "A", "route": "/", "structure": structure}))


@pytest.mark.parametrize("structure", [STRUCTURE, {"type": "a"}, nested(STRUCTURE_DEPTH)], ids=["page", "one", "deep"])
async def test_what_the_published_schema_takes_is_taken_and_given_back(structure: Any, team: Team) -> None:
    assert SCHEMA.is_valid(structure)
    assert (await add(team, structure=structure))["structure"] == structure


async def test_a_structure_is_as_deep_and_as_long_as_it_may_be(team: Team) -> None:
    body = {"name": "A", "route": "/", "structure": nested(STRUCTURE_DEPTH + 1)}
    assert wrong_fields(await team.member.post(team.at("pages"), body)) == {"structure": "invalid"}
    long = {"type": "a", "props": {"text": "a" * STRUCTURE_BYTES}}
    assert wrong_fields(await team.member.post(team.at("pages"), body | {"structure": long})) == {"structure": "invalid"}
    nul = {"type": "a", "props": {"text": "\0"}}
    assert wrong_fields(await team.member.post(team.at("pages"), body | {"structure": nul})) == {"structure": "invalid"}


async def test_a_route_is_there_once(team: Team) -> None:
    page, other = await add(team, "/"), await add(team, "/b")
    body = {"name": "A", "route": "/", "structure": STRUCTURE}
    assert refusal(await team.member.post(team.at("pages"), body)) == (409, "route_is_taken")
    assert refusal(await team.member.patch(team.at("pages", other["id"]), {"route": "/"})) == (409, "route_is_taken")
    expect(await team.maintainer.delete(team.at("pages", page["id"])), 204)
    expect(await team.maintainer.delete(team.at("pages", page["id"])), 204)
    assert refusal(await team.member.get(team.at("pages", page["id"]))) == (404, "page_not_found")
    expect(await team.member.patch(team.at("pages", other["id"]), {"route": "/"}), 200)


@pytest.mark.parametrize("route", ["", "a", "//", "/a/", "/a b", "/a?b", "/a#b", "/..", "/" + "a" * 255])
async def test_a_route_is_one(route: str, team: Team) -> None:
    body = {"name": "A", "route": route, "structure": STRUCTURE}
    assert set(wrong_fields(await team.member.post(team.at("pages"), body))) == {"route"}


async def test_a_page_is_linked_with_a_file_of_its_project_while_it_is_there(team: Team) -> None:
    file = expect(await team.member.post(team.at("files"), {"path": "page.tsx"}), 201)
    page = await add(team, linkedFileId=file["id"])
    other = await begin(team.member)
    foreign = expect(await team.member.post(f"{path_of(other)}/files", {"path": "page.tsx"}), 201)
    changed = await team.member.patch(team.at("pages", page["id"]), {"linkedFileId": foreign["id"]})
    assert wrong_fields(changed) == {"linkedFileId": "not_found"}
    expect(await team.maintainer.ask("DELETE", team.at("files", file["id"]), if_match='"1"'), 204)
    left = expect(await team.member.get(team.at("pages", page["id"])), 200)
    assert (left["linkedFileId"], left["version"]) == (None, 2)


async def test_only_what_is_sent_of_a_page_is_changed(team: Team) -> None:
    page = await add(team)
    path = team.at("pages", page["id"])
    changed = expect(await team.member.patch(path, {"structure": {"type": "a"}}), 200)
    assert changed == page | {"structure": {"type": "a"}, "version": 2, "updatedAt": changed["updatedAt"]}
    assert expect(await team.member.patch(path, {"structure": {"type": "a"}}), 200) == changed
    assert refusal(await team.member.ask("PATCH", path, {"name": "B"}, if_match='"1"')) == (412, "version_is_stale")
    assert expect(await team.member.ask("PATCH", path, {"name": "B"}, if_match='"2"'), 200)["version"] == 3


async def test_pages_are_paged_by_their_routes(team: Team) -> None:
    for route in ("/b", "/", "/a/c"):
        await add(team, route)
    page = expect(await team.member.get(team.at("pages"), limit=2), 200)
    rest = expect(await team.member.get(team.at("pages"), limit=2, cursor=page["nextCursor"]), 200)
    assert [one["route"] for one in page["pages"] + rest["pages"]] == ["/", "/a/c", "/b"]


async def test_members_change_pages_and_do_not_delete_them(team: Team, house: House) -> None:
    page = await add(team)
    assert refusal(await team.member.delete(team.at("pages", page["id"]))) == (403, "project_role_is_not_enough")
    assert refusal(await team.stranger.get(team.at("pages", page["id"]))) == (404, "project_not_found")
    assert (await house.events("projects", team.project["id"]))[-1] == "page_changed"
