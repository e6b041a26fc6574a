"""Texts that are too long, that cannot be stored, or that run from right to left; numbers and structures beyond all bounds."""

import asyncio
import json
from typing import Any, get_args

import pytest
import pytest_asyncio

from services.gateway.routing import ROUTES, Route
from shared.contracts.principal import Role
from tests.system.house import House, register
from tests.system.people import Json, Person, expect, messages_of, opening, refusal, wrong_fields
from tests.system.requests.test_wrong_input import WITH_BODY, Desk
from tests.system.requests.things import things_of

RIGHT_TO_LEFT = [
    "مرحبا بالعالم",
    "שלום עולם",
    "\u202eevil\u202c",
    "\u2067نص\u2069 text",
    "\u200fa\u200eb",
    "Zalgo: Z̷̧̛̳̲̖̈́̀͝",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\ufeffbom",
    "ﷺ",
    "a\u0301",
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(house: House) -> Desk:
    admin = await house.person(Role.ADMIN)
    return Desk(admin, await things_of(admin, await house.person()))


def texts(route: Route) -> list[str]:
    """The fields of a route's body that are texts."""
    fields = route.operation.request.model_fields.items()
    named = {info.alias or name: info.annotation for name, info in fields}
    return sorted(name for name in route.fields if named[name] is str or str in get_args(named[name]))


THREAD = "/api/collab/threads/{threadId}"
MESSAGES = f"{THREAD}/messages"
WITH_TEXT = [route for route in WITH_BODY if texts(route)]


@pytest.mark.parametrize("route", WITH_TEXT, ids=lambda route: route.name)
async def test_a_nul_is_refused_in_every_text(route: Route, desk: Desk) -> None:
    for field in texts(route):
        for text in ("\0", "a\0b", "\0" * 8):
            answer = await desk.send(route, json.dumps(desk.good_body(route) | {field: text}).encode())
            if (route.name, field) == ("log_in", "password"):
                assert refusal(answer) == (401, "credentials_are_wrong"), "it is compared, and never stored"
            elif (route.operation.owner, answer.status_code) == ("identity", 401) or (route.name, answer.status_code) == ("log_out", 204):
                assert field == "refreshToken", "it is hashed, and never stored"
            elif refusal(answer) != (422, "role_is_not_usable"):
                assert list(wrong_fields(answer)) == [field]


@pytest.mark.parametrize("route", WITH_TEXT, ids=lambda route: route.name)
async def test_half_a_pair_is_no_text(route: Route, desk: Desk) -> None:
    for field in texts(route):
        for half in ("\\ud800", "\\udfff", "a\\udc00b", "\\ude00\\ud83d", "\\ud83d\\ud83d\\ude00"):
            body = json.dumps(desk.good_body(route) | {field: "HERE"}).replace("HERE", half)
            assert refusal(await desk.send(route, body.encode())) == (400, "request_is_malformed")


@pytest.mark.parametrize("route", WITH_TEXT, ids=lambda route: route.name)
async def test_five_thousand_characters_and_a_megabyte_are_too_long_for_a_name(route: Route, desk: Desk) -> None:
    long = {"content", "description", "issueDescription"}  # spec 1 and 2 have room for ten thousand there
    for field in texts(route):
        for character in ("x", "م", "👩", "\u202e"):
            if field not in long:
                answer = await desk.send(route, json.dumps(desk.good_body(route) | {field: character * 5_000}, ensure_ascii=False).encode())
                assert list(wrong_fields(answer)) == [field]
        answer = await desk.send(route, json.dumps(desk.good_body(route) | {field: "x" * 1_000_000}).encode())
        if (route.name, field) == ("create_file", "content"):
            assert refusal(answer) == (413, "project_file_is_too_large")
        elif (route.name, field) == ("change_file", "content"):
            assert refusal(answer) == (428, "version_is_not_said")
        else:
            assert list(wrong_fields(answer)) == [field]
        answer = await desk.send(route, json.dumps(desk.good_body(route) | {field: "x" * 1_048_576}).encode())
        assert refusal(answer) == (413, "body_is_too_large")


@pytest.mark.parametrize("name", RIGHT_TO_LEFT)
async def test_names_of_every_script_come_back_as_they_are(name: str, house: House, desk: Desk) -> None:
    person = await register(house.http, name=name)
    assert person.user["name"] == name
    thread = await person.open(title=name, clientName=name, participants=[{"role": "client", "name": name}])
    assert (thread["title"], thread["clientName"], thread["participants"][-1]["name"]) == (name, name, name)
    message = await person.say(thread, name)
    assert (message["content"], message["authorName"]) == (name, name)


async def test_a_name_of_255_characters_of_any_script_is_taken(house: House) -> None:
    for character in ("x", "م", "👩", "\u202e"):
        person = await register(house.http, name=character * 255)
        assert (await person.open(title=character * 255))["title"] == character * 255


def nested(depth: int, opened: str, closed: str) -> str:
    return opened * depth + "1" + closed * depth


BEYOND = {
    "objects 10,000 deep": nested(10_000, '{"a":', "}"),
    "arrays 10,000 deep": nested(10_000, "[", "]"),
    "both 10,000 deep": nested(5_000, '[{"a":', "}]"),
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "1e400": "1e400",
    "-1e400": "-1e400",
    "a key twice": '{"a": 1, "a": 2}',
}


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_json_beyond_all_bounds_is_malformed_wherever_it_is(route: Route, desk: Desk) -> None:
    for field in ("metadata", "settings", *sorted(route.fields)[:1]):
        for name, value in BEYOND.items():
            body = json.dumps(desk.good_body(route) | {field: "HERE"}).replace('"HERE"', value)
            assert refusal(await desk.send(route, body.encode())) == (400, "request_is_malformed"), name


@pytest.mark.parametrize("number", [10**400, -(10**400), 10**4_000, 2**63, 2**64, -(2**63) - 1, 1e308, 5e-324, 0.1])
async def test_a_number_of_any_size_is_kept_or_refused(number: float, desk: Desk) -> None:
    """Whoever posts beside it notices nothing: one bad row would fail its whole group."""
    bodies: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", desk.path(MESSAGES), {"content": "x", "metadata": {"n": number}}),
        ("POST", desk.path(MESSAGES), {"content": "x", "contentMetadata": {"n": [{"m": number}]}}),
        ("POST", "/api/collab/threads", opening("group", settings={"n": number})),
        ("PATCH", desk.path(THREAD), {"settings": {"n": number}}),
    ]
    for method, path, body in bodies:
        answer = await desk.admin.http.request(
            method, path, content=json.dumps(body), headers={**desk.admin.bearer, "content-type": "application/json"}
        )
        if answer.status_code in (200, 201):
            shown = json.loads(answer.text, parse_int=float if isinstance(number, float) else int)
            (kept,) = (shown[name] for name in body if isinstance(body[name], dict))
            (sent,) = (value for value in body.values() if isinstance(value, dict))
            assert kept == sent
            assert expect(await desk.admin.get(path if method == "PATCH" else answer.headers["location"]), 200)
        else:
            assert answer.status_code in (400, 422), answer.text


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_a_number_where_another_is_meant_is_refused_by_its_name(route: Route, desk: Desk) -> None:
    for field in sorted(route.fields):
        for number in ("1" + "0" * 400, "-1" + "0" * 400, "1e308"):
            body = json.dumps(desk.good_body(route) | {field: "HERE"}).replace('"HERE"', number)
            assert list(wrong_fields(await desk.send(route, body.encode()))) == [field]


@pytest.mark.parametrize("route", [route for route in ROUTES if "limit" in route.fields], ids=lambda route: route.name)
async def test_a_limit_below_one_or_beyond_its_most_is_refused(route: Route, desk: Desk) -> None:
    for limit in ("-1", "0", "1000000000", "-9223372036854775808", "99999999999999999999", "1e3", "0x1", "²", "१"):
        answer = await desk.admin.get(desk.path(route), limit=limit)
        assert list(wrong_fields(answer)) == ["limit"], limit


async def test_who_posts_beside_what_cannot_be_stored_is_not_refused(house: House) -> None:
    person: Person = await house.person()
    thread = await person.open()
    bad: list[Json] = [
        {"content": "a\0b"},
        {"content": "x", "metadata": {"a": "\0"}},
        {"content": "x", "clientMessageId": "\0"},
        {"content": ""},
    ]
    bodies: list[Json] = [bad[number // 2 % 4] if number % 2 else {"content": f"{number}"} for number in range(40)]
    answers = await asyncio.gather(*(person.post(messages_of(thread), body) for body in bodies))
    assert [answer.status_code for answer in answers] == [422 if number % 2 else 201 for number in range(40)]
