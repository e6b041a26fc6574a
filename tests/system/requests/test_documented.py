"""The API does what its document says: cases made from it are answered as it describes, and never with a failure of ours.

`make fuzz` tries 10,000 (`FUZZ_CASES=…` as many as you like); the same number makes the same cases.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.gateway.live_routing import LIVE_ROUTES
from services.gateway.openapi import document
from services.gateway.routing import OWN_ROUTES, ROUTES, OwnRoute, Route
from services.gateway.tus import OFFSET_STREAM
from shared.contracts.principal import Role
from tests.system.house import House, log_in
from tests.system.people import expect
from tests.system.requests.things import conversation_of, project_of, things_of

CASES = int(os.environ.get("FUZZ_CASES", "1000"))  # over all callers; those of a route that takes nothing are soon all tried
CALLERS = ("nobody", *(role.value for role in Role if role is not Role.SYSTEM))

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True)
class Aim:
    """What cases of a route are like. `there`: their paths name things that are there."""

    route: Route | OwnRoute
    mode: GenerationMode
    there: bool

    @property
    def of_projects(self) -> bool:
        return self.route.path.startswith("/api/projects")

    @property
    def of_conversations(self) -> bool:
        return self.route.path.startswith("/api/collab")

    @property
    def changes(self) -> bool:
        """Whether things may be others afterwards."""
        return self.route.method != "GET" and self.mode is GenerationMode.POSITIVE and self.there


def _aims() -> Iterator[Aim]:
    for own in OWN_ROUTES:
        yield Aim(own, GenerationMode.POSITIVE, there=True)
    for route in ROUTES:
        yield Aim(route, GenerationMode.POSITIVE, there=True)
        if route.fields:
            yield Aim(route, GenerationMode.NEGATIVE, there=True)
        if route.parameters:
            yield Aim(route, GenerationMode.POSITIVE, there=False)


AIMS = list(_aims())

schemathesis.serializer.alias(OFFSET_STREAM, "application/octet-stream")


async def test_the_document_that_is_served_is_the_one_that_is_tried(house: House) -> None:
    assert expect(await house.http.get("/api/openapi.json"), 200) == document(ROUTES, OWN_ROUTES, LIVE_ROUTES)


@pytest.mark.timeout(60 + CASES / 20)
@pytest.mark.parametrize("caller", CALLERS)
async def test_whatever_is_sent_is_answered_as_the_document_says(caller: str, house: House) -> None:
    wide = [aim for aim in AIMS if isinstance(aim.route, Route) and (aim.route.fields or aim.route.parameters)]
    each = ceil(CASES / len(CALLERS) / len(wide))
    person = await house.person(Role(caller) if caller != "nobody" else Role.CLIENT)
    tried, last = 0, None
    for place, aim in enumerate(AIMS):
        if last is None or (last.changes and not last.of_projects and not last.of_conversations):
            # Its cases may have ended the session, or removed the other.
            session, other = await log_in(house.http, person.user["email"]), await house.person()
            ids = await things_of(session, other, house.host, house)
        elif last.changes:  # theirs change nothing else
            made = project_of(house.host, session, other) if last.of_projects else conversation_of(house.host, session, other, house)
            ids |= await made
        last = aim
        named = {name: ids[name] for name in getattr(aim.route, "parameters", ()) if name in ids and aim.there}
        headers = session.bearer if caller != "nobody" else {}
        tried += await asyncio.to_thread(_try, house.url, headers, aim, named, each, CALLERS.index(caller) * len(AIMS) + place)
    assert tried >= CASES / len(CALLERS)


@cache
def _cases_of(aim: Aim) -> Any:
    schema = schemathesis.openapi.from_dict(document([aim.route], []) if isinstance(aim.route, Route) else document([], [aim.route]))
    return schema[aim.route.path][aim.route.method].as_strategy(aim.mode)


def _try(url: str, headers: dict[str, str], aim: Aim, named: dict[str, str], cases: int, number: int) -> int:
    """How many were tried, off the loop, which serves meanwhile."""
    tried = 0
    with requests.Session() as session:

        @seed(number)
        @settings(max_examples=cases, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=_cases_of(aim))
        def answered(case: Case[Any]) -> None:
            nonlocal tried
            tried += 1
            case.path_parameters.update(named)
            response = case.call(base_url=url, session=session, headers=headers)
            case.validate_response(response, checks=CHECKS)

        answered()
    return tried
