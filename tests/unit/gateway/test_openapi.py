"""The document of the API and its page."""

import re
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from services.gateway.live_routing import LIVE_ROUTES, AnyRoute
from services.gateway.openapi import document
from services.gateway.routing import OWN_ROUTES, ROUTES, Route
from tests.unit.gateway.neighbours import Running

DOCUMENT = document(ROUTES, OWN_ROUTES, LIVE_ROUTES)


async def test_the_document_is_served(running: Running) -> None:
    answer = await running.client.get("/api/openapi.json")
    assert (answer.headers["content-type"], answer.json()) == ("application/json", DOCUMENT)


def test_every_route_is_in_it() -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    every: list[AnyRoute] = [*ROUTES, *OWN_ROUTES, *LIVE_ROUTES]
    assert described == {(route.method, route.path) for route in every}


def test_every_name_is_there_once() -> None:
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_refusal_of_an_operation_is_described_at_its_status(route: Route) -> None:
    responses = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
    for refusal in route.operation.refuses:
        described = responses[str(refusal().status)]
        codes = described["content"]["application/problem+json"]["schema"]["properties"]["code"]["enum"]
        assert refusal.code in codes
        assert refusal.detail in described["description"]


def test_a_body_has_what_the_path_does_not_say() -> None:
    body = DOCUMENT["components"]["schemas"]["PostMessage"]
    assert (body["required"], "threadId" in body["properties"], body["additionalProperties"]) == (["content"], False, False)
    parameters = DOCUMENT["paths"]["/api/collab/threads/{threadId}/messages"]["get"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["threadId", "limit", "before", "after", "changedSince", "If-None-Match"]


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        assert reference.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]


def test_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in references(inner)]
    return [found for inner in value for found in references(inner)] if isinstance(value, list) else []


async def test_the_page_needs_nothing_from_elsewhere(running: Running) -> None:
    page = await running.client.get("/api/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http" not in page.text
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert (await running.client.get(address)).status_code == 200


async def test_its_assets_are_those_of_the_package(running: Running) -> None:
    script = await running.client.get("/api/docs/assets/swagger-ui-bundle.js")
    assert script.content == (resources.files("fastapi_offline") / "static" / "swagger-ui-bundle.js").read_bytes()


@pytest.mark.parametrize(
    "path", ["/api/docs/assets/nothing.js", "/api/docs/assets/../core.py", "/api/docs/assets/%2e%2e/core.py", "/api/docs/assets/"]
)
async def test_nothing_else_is_served(running: Running, path: str) -> None:
    answer = await running.client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")
