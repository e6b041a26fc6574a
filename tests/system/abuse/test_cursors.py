"""A cursor is for the list that it came from, and no other."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from services.gateway.routing import ROUTES
from tests.system.house import House
from tests.system.people import Json, Person, messages_of, refusal

PARAMETERS = {"cursor", "before", "after"}


@dataclass(frozen=True)
class List:
    """A list that is paged, as one reader sees it."""

    reader: Person
    path: str
    parameters: tuple[str, ...]
    cursor: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lists(house: House) -> AsyncIterator[dict[str, List]]:
    """Lists of two people, each with a next page."""
    made: dict[str, List] = {}
    for name in ("one", "other"):
        person = await house.person()
        threads = [await person.open() for _ in range(2)]
        for _ in range(2):
            await person.say(threads[0])
        path = messages_of(threads[0])
        made[f"threads of {name}"] = List(person, "/api/collab/threads", ("cursor",), (await person.threads(limit=1))["nextCursor"])
        made[f"messages of {name}"] = List(person, path, ("before", "after"), (await person.page(threads[0], limit=1))["nextCursor"])
    yield made


def test_every_list_that_takes_a_cursor_is_tried() -> None:
    paged = {route.name for route in ROUTES if route.method == "GET" and route.fields & PARAMETERS}
    assert paged == {"list_threads", "list_messages"}


@pytest.mark.parametrize("name", ["threads of one", "messages of one"])
async def test_a_cursor_with_any_bit_flipped_is_not_valid(name: str, lists: dict[str, List]) -> None:
    paged = lists[name]
    for place, character in enumerate(paged.cursor):
        for bit in range(7):
            flipped = paged.cursor[:place] + chr(ord(character) ^ 1 << bit) + paged.cursor[place + 1 :]
            answer = await paged.reader.get(paged.path, **{paged.parameters[0]: flipped})
            assert refusal(answer) == (400, "cursor_is_not_valid"), flipped


@pytest.mark.parametrize(
    "change",
    [lambda cursor: cursor * 2, lambda cursor: cursor[4:], lambda cursor: cursor[:-4], lambda cursor: cursor.swapcase(), str.upper],
    ids=["twice", "its end", "its beginning", "other case", "upper case"],
)
@pytest.mark.parametrize("name", ["threads of one", "messages of one"])
async def test_a_cursor_made_out_of_another_is_not_valid(name: str, change: Callable[[str], str], lists: dict[str, List]) -> None:
    paged = lists[name]
    answer = await paged.reader.get(paged.path, **{paged.parameters[0]: change(paged.cursor)})
    assert refusal(answer) == (400, "cursor_is_not_valid")


async def test_a_cursor_of_one_list_is_not_valid_in_any_other(lists: dict[str, List]) -> None:
    for name, paged in lists.items():
        for other in (each for each in lists if each != name):
            for parameter in paged.parameters:
                answer = await paged.reader.get(paged.path, **{parameter: lists[other].cursor})
                assert refusal(answer) == (400, "cursor_is_not_valid"), f"{other} in {name}"


async def test_a_message_that_cannot_be_seen_is_no_place_in_a_thread(house: House, lists: dict[str, List]) -> None:
    paged, stranger = lists["messages of one"], await house.elsewhere("admin")  # type: ignore[arg-type]
    hidden: list[Json] = [await house.host.say(await house.host.open()), await stranger.say(await stranger.open())]
    for message in hidden:
        for parameter in paged.parameters:
            answer = await paged.reader.get(paged.path, **{parameter: message["id"]})
            assert refusal(answer) == (400, "cursor_is_not_valid")
