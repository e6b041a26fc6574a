"""What a route answers, from what a service answers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from services.gateway.replies import CreatedTagged, Tagged
from services.gateway.routing import ROUTES, Route
from shared.contracts.projects.files import ProjectFile
from shared.contracts.projects.pages import SitePage
from shared.identifiers import new_id
from shared.messaging.frames import Answer

TAGGED = [route for route in ROUTES if route.tagged]
HOSTILE = ('"version":9', "\\", '","version":9,"', '\\",\\"version\\":9', "version")


def file_of(text: str) -> ProjectFile:
    ids, now = dict.fromkeys(("id", "project_id", "created_by", "updated_by"), new_id()), datetime.now(UTC)
    said = dict.fromkeys(("path", "name", "language", "content"), text)
    return ProjectFile.model_validate({**ids, **said, "type": "CODE", "size": 1, "created_at": now, "updated_at": now, "version": 12})


def page_of(text: str) -> SitePage:
    ids, now = dict.fromkeys(("id", "project_id", "linked_file_id", "created_by", "updated_by"), new_id()), datetime.now(UTC)
    said = {"name": text, "route": text, "structure": {"type": text, "props": {"version": 9, text: 9}}}
    return SitePage.model_validate({**ids, **said, "created_at": now, "updated_at": now, "version": 12})


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("made", [file_of, page_of])
def test_the_tag_is_the_version_whatever_is_written(made: Any, text: str) -> None:
    answer = Answer(0, "reply", made(text).model_dump_json(by_alias=True).encode())
    for reply in (Tagged[BaseModel](answer), CreatedTagged[BaseModel](answer, at="/{id}")):
        assert (b"etag", b'"12"') in reply.headers


@pytest.mark.parametrize("route", TAGGED, ids=lambda route: route.name)
def test_nothing_nested_comes_before_the_version_of_what_is_tagged(route: Route) -> None:
    schema = route.operation.reply.model_json_schema(mode="serialization")
    names = list(schema["properties"])
    before = {name: schema["properties"][name] for name in names[: names.index("version")]}
    forms = [(name, form) for name, said in before.items() for form in said.get("anyOf", [said])]
    named = [(name, schema["$defs"][form["$ref"].split("/")[-1]] if "$ref" in form else form) for name, form in forms]
    assert {name for name, form in named if form["type"] in ("object", "array")} == set()
