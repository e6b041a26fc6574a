"""Cursors are opaque, and bound to their list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import cursors
from shared.contracts.refusals import CursorIsNotValid


@given(st.lists(st.integers() | st.text(alphabet=st.characters(codec="utf-8")) | st.none() | st.booleans()))
def test_a_cursor_gives_back_what_it_was_made_of(values: list[object]) -> None:
    assert cursors.decode("threads", cursors.encode("threads", *values)) == values


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(CursorIsNotValid):
        cursors.decode("threads:open", cursors.encode("threads:closed", 1))


CURSOR = cursors.encode("threads", 1, "a")
BROKEN = ("", "1", "é", "\0", CURSOR + "=", CURSOR + "\n", CURSOR[:-1], CURSOR.swapcase(), "A" + CURSOR, CURSOR * 2)


@pytest.mark.parametrize("cursor", BROKEN)
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(CursorIsNotValid):
        cursors.decode("threads", cursor)
