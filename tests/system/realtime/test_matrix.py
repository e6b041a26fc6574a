"""Who may read something over HTTP is told of it over a WebSocket, over an event stream, and on coming back; and nobody else is."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from services.gateway.realtime.kinds import KINDS
from shared.contracts.principal import Role
from tests.system.house import House
from tests.system.people import Json
from tests.system.realtime.cast import LATE, Cast, Membership, cast_of
from tests.system.realtime.deeds import Deed, all_deeds
from tests.system.realtime.followers import Transport

ROOMS: dict[str, tuple[Role, Json]] = {
    "an agent's": (Role.AGENT, {}),
    "a client's": (Role.CLIENT, {}),
    "an admin's, private": (Role.ADMIN, {"isPrivate": True}),
    "a product owner's, without guests": (Role.PRODUCT_OWNER, {"guestAccessAllowed": False}),
}
ALONE = {"emailVerified", "userChanged"}
"""Of a user alone, and tested for themself."""
TYPES = sorted(kind.type for kind in KINDS.values() if kind.type not in ALONE)

type Told = dict[tuple[str, Transport], list[Json]]


@dataclass
class Outcome:
    cast: Cast
    deeds: list[Deed]
    live: Told
    resumed: Told
    places: dict[str, frozenset[str]]
    """Who sees each thread and project at the end."""
    private: bool


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=list(ROOMS))
async def outcome(request: pytest.FixtureRequest, house: House) -> AsyncIterator[Outcome]:
    role, fields = ROOMS[request.param]
    async with cast_of(house, role, **fields) as cast:
        deeds = await all_deeds(cast)
        marks = await cast.mark()
        live = {key: _after(told, cast.cursor) for key, told in (await cast.heard_until(marks)).items()}
        resumed = await cast.resumed(marks)
        places = {place: await cast.who_gets(place) for place in {deed.place for deed in deeds} if place is not None}
        yield Outcome(cast, deeds, live, resumed, places, bool(fields.get("isPrivate")))


def deeds_of(outcome: Outcome, type: str) -> list[Deed]:
    deeds = [deed for deed in outcome.deeds if deed.type == type]
    expected = set() if outcome.private and type.startswith("guarded") else {1, 2}  # programs see no private thread
    assert {deed.phase for deed in deeds} == expected
    return deeds


def counted(outcome: Outcome, told: Told, transport: Transport, deed: Deed) -> dict[str, int]:
    """How often each was told of it."""
    return {one.name: sum(deed.is_it(frame) for frame in told[one.name, transport]) for one in outcome.cast.everybody}


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("transport", Transport)
def test_who_may_read_it_is_told_of_it_once_as_it_happens(outcome: Outcome, transport: Transport, type: str) -> None:
    for deed in deeds_of(outcome, type):
        told = counted(outcome, outcome.live, transport, deed)
        assert told == {one.name: int(one.name in deed.may) for one in outcome.cast.everybody}


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("transport", Transport)
def test_who_comes_back_is_told_what_they_missed_and_may_read_still(outcome: Outcome, transport: Transport, type: str) -> None:
    """Who joined meanwhile has reloaded: what was before that is not told again."""
    for deed in deeds_of(outcome, type):
        sees = deed.may if deed.place is None else deed.may & outcome.places[deed.place]
        joined = {one.name for one in outcome.cast.those(*LATE)} if deed.phase == 1 and _joined_there(outcome, deed) else set()
        told = counted(outcome, outcome.resumed, transport, deed)
        assert told == {one.name: int(one.name in sees - joined) for one in outcome.cast.everybody}


def _joined_there(outcome: Outcome, deed: Deed) -> bool:
    """Whether it was in the thread or project that some joined later."""
    return deed.place is not None and deed.place.rpartition("/")[2] in (outcome.cast.thread["id"], outcome.cast.project["id"])


@pytest.mark.parametrize("transport", Transport)
def test_who_sees_neither_is_told_of_themself_alone(outcome: Outcome, transport: Transport) -> None:
    outside = [one for one in outcome.cast.everybody if not any(one.name in deed.may for deed in outcome.deeds)]
    assert {one.membership for one in outside} >= {Membership.ELSEWHERE, Membership.NONE, Membership.REMOVED}
    for one in outside:
        for told in (outcome.live, outcome.resumed):
            frames = told[one.name, transport]
            assert {frame["type"] for frame in frames} - {"ready"} <= {"userChanged"}
            assert {frame["data"]["user"]["id"] for frame in frames if frame["type"] == "userChanged"} <= {one.person.id}


@pytest.mark.parametrize("transport", Transport)
def test_cursors_go_up_and_both_transports_tell_the_same(outcome: Outcome, transport: Transport) -> None:
    for one in outcome.cast.everybody:
        for told in (outcome.live, outcome.resumed):
            cursors = [_seq(frame["cursor"]) for frame in told[one.name, transport] if "cursor" in frame]
            assert cursors == sorted(cursors)
            assert _short(told[one.name, transport]) == _short(told[one.name, Transport.SSE]), one.name


def _short(frames: list[Json]) -> list[tuple[str, str, str]]:
    return [(frame.get("cursor", ""), frame["type"], str(frame["data"])) for frame in frames if frame["type"] != "ready"]


def _after(frames: list[Json], cursor: str) -> list[Json]:
    """Somebody who came earlier was told more. A frame without a cursor comes before the event that it goes with."""
    place = next((place for place, frame in enumerate(frames) if "cursor" in frame and _seq(frame["cursor"]) > _seq(cursor)), len(frames))
    while place and "cursor" not in frames[place - 1]:
        place -= 1
    return frames[place:]


def _seq(cursor: str) -> int:
    return int(cursor[8:], 16)
