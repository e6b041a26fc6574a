"""A cursor is for the list that it came from, and no other."""

from collections.abc import Callable

import pytest
import pytest_asyncio

from services.gateway.routing import ROUTES
from shared.contracts.principal import Role
from tests.system.abuse.paged import Paged, paged_lists
from tests.system.house import House
from tests.system.people import Json, refusal

PARAMETERS = {"cursor", "before", "after"}
PAGED = sorted(route.name for route in ROUTES if route.method == "GET" and route.fields & PARAMETERS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lists(house: House) -> dict[str, Paged]:
    """Of two admins in workspaces of their own, so that no list is another's."""
    made: dict[str, Paged] = {}
    for name in ("one", "other"):
        person = await house.elsewhere(Role.ADMIN)
        theirs = await paged_lists(house, person, await house.joining(person, Role.AGENT))
        made |= {f"{route} of {name}": paged for route, paged in theirs.items()}
    return made


def test_every_list_that_takes_a_cursor_is_tried(lists: dict[str, Paged]) -> None:
    assert {f"{route} of {name}" for route in PAGED for name in ("one", "other")} == set(lists)


@pytest.mark.parametrize("name", PAGED)
async def test_a_cursor_with_a_bit_flipped_anywhere_is_not_valid(name: str, lists: dict[str, Paged]) -> None:
    """One of each character; all of them are for what makes cursors (`tests/unit/test_cursors.py`)."""
    paged = lists[f"{name} of one"]
    for place, character in enumerate(paged.cursor):
        flipped = paged.cursor[:place] + chr(ord(character) ^ 1 << place % 7) + paged.cursor[place + 1 :]
        answer = await paged.reader.get(paged.path, **paged.query, **{paged.parameters[0]: flipped})
        assert refusal(answer) == (400, "cursor_is_not_valid"), flipped


@pytest.mark.parametrize(
    "change",
    [lambda cursor: cursor * 2, lambda cursor: cursor[4:], lambda cursor: cursor[:-4], lambda cursor: cursor.swapcase(), str.upper],
    ids=["twice", "its end", "its beginning", "other case", "upper case"],
)
@pytest.mark.parametrize("name", PAGED)
async def test_a_cursor_made_out_of_another_is_not_valid(name: str, change: Callable[[str], str], lists: dict[str, Paged]) -> None:
    paged = lists[f"{name} of one"]
    answer = await paged.reader.get(paged.path, **paged.query, **{paged.parameters[0]: change(paged.cursor)})
    assert refusal(answer) == (400, "cursor_is_not_valid")


async def test_a_cursor_of_one_list_is_not_valid_in_any_other(lists: dict[str, Paged]) -> None:
    for name, paged in lists.items():
        for other in (each for each in lists if each != name):
            for parameter in paged.parameters:
                answer = await paged.reader.get(paged.path, **paged.query, **{parameter: lists[other].cursor})
                assert refusal(answer) == (400, "cursor_is_not_valid"), f"{other} in {name}"


async def test_a_message_that_cannot_be_seen_is_no_place_in_a_thread(house: House, lists: dict[str, Paged]) -> None:
    paged, stranger = lists["list_messages of one"], await house.elsewhere(Role.ADMIN)
    hidden: list[Json] = [await house.host.say(await house.host.open()), await stranger.say(await stranger.open())]
    for message in hidden:
        for parameter in paged.parameters:
            answer = await paged.reader.get(paged.path, **paged.query, **{parameter: message["id"]})
            assert refusal(answer) == (400, "cursor_is_not_valid")
