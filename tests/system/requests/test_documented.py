"""The API does what its document says: cases made from it are answered as it describes, and never with a failure of ours."""

import asyncio
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.gateway.openapi import document
from services.gateway.routing import OWN_ROUTES, ROUTES, OwnRoute, Route
from shared.contracts.principal import Role
from tests.system.house import House
from tests.system.people import Json, Person, expect
from tests.system.requests.things import things_of

CASES = 9  # a mode and route: about 300 in all

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


async def test_the_document_that_is_served_is_the_one_that_is_tried(house: House) -> None:
    assert expect(await house.http.get("/api/openapi.json"), 200) == document(ROUTES, OWN_ROUTES)


@pytest.mark.parametrize("route", [*ROUTES, *OWN_ROUTES], ids=lambda route: route.name)
async def test_what_the_document_allows_is_answered_as_it_says(route: Route | OwnRoute, house: House) -> None:
    admin = await house.person(Role.ADMIN)
    await _try(house, route, admin, await things_of(admin, await house.person()), GenerationMode.POSITIVE)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_what_the_document_forbids_is_refused_as_it_says(route: Route, house: House) -> None:
    client = await house.person()
    await _try(house, route, client, await things_of(client, await house.person()), GenerationMode.NEGATIVE)


async def _try(house: House, route: Route | OwnRoute, person: Person, ids: Json, mode: GenerationMode) -> None:
    """Off the loop, which serves meanwhile."""
    schema = schemathesis.openapi.from_dict(document(ROUTES, OWN_ROUTES))
    operation = schema[route.path][route.method]
    named = {name: ids[name] for name in getattr(route, "parameters", ())}
    if mode is GenerationMode.NEGATIVE and not (getattr(route, "fields", None) or named):
        return  # nothing in it can be wrong
    strategy = operation.as_strategy(mode, path_parameters=named or None)
    await asyncio.to_thread(_run, house.url, person, strategy)


def _run(url: str, person: Person, strategy: Any) -> None:
    with requests.Session() as session:

        @settings(
            max_examples=CASES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def answered(case: Case[Any]) -> None:
            response = case.call(base_url=url, session=session, headers=person.bearer)
            case.validate_response(response, checks=CHECKS)

        answered()
