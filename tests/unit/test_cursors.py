"""Cursors are opaque, and bound to their list."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared import cursors
from shared.contracts.refusals import CursorIsNotValid
from shared.identifiers import new_id

TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"))
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001 (made aware by it)


@given(TEXTS, MOMENTS, st.uuids())
def test_a_cursor_gives_back_what_it_was_made_of(text: str, moment: datetime, identifier: object) -> None:
    assert cursors.decode("users", cursors.encode("users", text, identifier), cursors.TEXT_AND_ID) == (text, identifier)
    assert cursors.decode("users", cursors.encode("users", moment, identifier), cursors.MOMENT_AND_ID) == (moment, identifier)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(CursorIsNotValid):
        cursors.decode("threads:open", cursors.encode("threads:closed", "a"), cursors.TEXT)


CURSOR = cursors.encode("threads", "a")
BROKEN = ("", "1", "é", "\0", CURSOR + "=", CURSOR + "\n", CURSOR[:-1], CURSOR.swapcase(), "A" + CURSOR, CURSOR * 2)


@pytest.mark.parametrize("cursor", BROKEN)
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(CursorIsNotValid):
        cursors.decode("threads", cursor, cursors.TEXT)


@given(TEXTS, st.uuids())
def test_a_cursor_with_any_bit_flipped_is_refused(text: str, identifier: object) -> None:
    cursor = cursors.encode("users", text, identifier)
    for place, character in enumerate(cursor):
        for bit in range(7):
            with pytest.raises(CursorIsNotValid):
                cursors.decode("users", cursor[:place] + chr(ord(character) ^ 1 << bit) + cursor[place + 1 :], cursors.TEXT_AND_ID)


FORGED: dict[str, list[list[object]]] = {
    "ID": [[], [1], [None], ["a"], [["a"]], [new_id(), new_id()]],
    "MOMENT": [[], [1], ["a"], ["2026-01-01T00:00:00"], ["0001-01-01T00:00:00+14:00"], ["9999-12-31T23:59:59-14:00"]],
    "MOMENT_AND_ID": [["0001-01-01T00:00:00+14:00", new_id()], ["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:00Z", "a"]],
    "TEXT": [[], [1], [None], ["a\0b"], [["a"]], ["a", "b"]],
    "TEXT_AND_ID": [["a"], ["\0", new_id()], ["a", "b"], ["a", new_id(), 1], [1, new_id()]],
}


@pytest.mark.parametrize(
    ("shape", "values"),
    [pytest.param(shape, values, id=f"{shape}-{number}") for shape in FORGED for number, values in enumerate(FORGED[shape])],
)
def test_a_cursor_made_by_one_who_knows_how_is_refused(shape: str, values: list[object]) -> None:
    adapter: TypeAdapter[object] = getattr(cursors, shape)
    with pytest.raises(CursorIsNotValid):
        cursors.decode("threads", cursors.encode("threads", *values), adapter)
