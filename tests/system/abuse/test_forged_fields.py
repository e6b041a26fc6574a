"""Who says something, where, as what, and what became of it is ours to say: a body that says it is refused, and nothing changes."""

import pytest
import pytest_asyncio

from services.gateway.routing import ROUTES, Route
from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.house import House
from tests.system.people import Json, expect, wrong_fields
from tests.system.requests.test_wrong_input import WITH_BODY, Desk
from tests.system.requests.things import things_of

FORGED: dict[str, object] = {
    "id": str(new_id()),
    "workspaceId": str(new_id()),
    "userId": str(new_id()),
    "authorId": str(new_id()),
    "authorRole": "admin",
    "authorName": "Somebody else",
    "creatorId": str(new_id()),
    "role": "admin",
    "grants": -1,
    "permissions": ["identity:role:manage"],
    "accountStatus": "active",
    "accountType": "admin",
    "isEmailVerified": True,
    "isAdmin": True,
    "scanStatus": "clean",
    "deliveryStatus": "read",
    "seq": 1,
    "subSeq": 1,
    "lastSeq": 1,
    "version": 99,
    "createdAt": "2020-01-01T00:00:00Z",
    "updatedAt": "2020-01-01T00:00:00Z",
    "editedAt": None,
    "deletedAt": None,
    "sessionId": str(new_id()),
    "__proto__": {"role": "admin"},
}


THREAD, MESSAGE = "/api/collab/threads/{threadId}", "/api/collab/messages/{messageId}"
MOVING = {"updatedAt", "lastMessage", "lastSeq", "unreadCount", "lastSeenAt", "currentStatus"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(house: House) -> Desk:
    admin = await house.person(Role.ADMIN)
    return Desk(admin, await things_of(admin, await house.person()))


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_a_body_says_nothing_that_is_ours_to_say(route: Route, desk: Desk) -> None:
    forged = {name: value for name, value in FORGED.items() if name not in {*route.fields, *route.parameters}}
    before = await _state(desk)
    answer = await desk.admin.ask(route.method, desk.path(route), desk.good_body(route) | forged)
    assert set(wrong_fields(answer)) == set(forged)
    assert await _state(desk) == before


@pytest.mark.parametrize("route", WITH_BODY, ids=lambda route: route.name)
async def test_the_names_that_columns_have_are_no_fields(route: Route, desk: Desk) -> None:
    """Fields have one spelling: what a contract calls `thread_id` inside is `threadId`, and not both."""
    inner = {name for name in route.operation.request.model_fields if name not in route.fields | set(route.parameters)}
    for name in inner:
        answer = await desk.admin.ask(route.method, desk.path(route), desk.good_body(route) | {name: None})
        assert wrong_fields(answer) == {name: "unknown_field"}


def test_no_route_takes_what_identity_alone_decides() -> None:
    decided = {"workspaceId", "accountStatus", "isEmailVerified", "permissions", "grants", "authorId", "scanStatus", "sessionId"}
    asked = {("switch_workspace", "workspaceId"), ("create_role", "permissions"), ("change_role", "permissions")}  # what they are for
    taken = {(route.name, field) for route in ROUTES if route.body for field in route.fields & decided}
    assert taken == asked


async def _state(desk: Desk) -> list[Json]:
    """All but what moves by itself."""
    shown = [expect(await desk.admin.get(path), 200) for path in (desk.path(THREAD), desk.path(MESSAGE), "/api/auth/me")]
    return [{name: value for name, value in each.items() if name not in MOVING} for each in shown]
