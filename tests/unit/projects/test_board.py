"""Where tasks and columns come to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projects.domain.board import GAP, Between, Placed, reordered
from shared.identifiers import new_id


@pytest.mark.parametrize(
    ("between", "place"),
    [
        (Between(None, None), 0),
        (Between(7, None), 7 + GAP),
        (Between(None, 7), 7 - GAP),
        (Between(0, 10), 5),
        (Between(0, 2), 1),
        (Between(0, 1), None),
        (Between(-1, 0), None),
    ],
)
def test_a_place_is_between_its_neighbours(between: Between, place: int | None) -> None:
    assert between.place() == place


@given(st.integers(-(2**40), 2**40), st.integers(1, 2**40))
def test_there_is_a_place_wherever_there_is_room(before: int, room: int) -> None:
    between = Between(before, before + room)
    place = between.place()
    assert (place is None) == (room == 1)
    assert place is None or between.holds(place)


def test_thirty_come_into_the_same_place_one_after_another() -> None:
    before, after, count = 0, GAP, 0
    while (place := Between(before, after).place()) is not None:
        after, count = place, count + 1
    assert count == 30


def test_columns_are_reordered() -> None:
    one, two, three = (new_id() for _ in range(3))
    assert reordered([one, two, three], three, 0) == [three, one, two]
    assert reordered([one, two, three], one, 9) == [two, three, one]
    assert reordered([one, two], three, 1) == [one, three, two]


def test_who_comes_next_comes_before_what_was_just_put_there() -> None:
    column, other, placed = new_id(), new_id(), Placed()
    placed.add(column, 50)
    assert placed.below(column, Between(None, 100)) == Between(None, 50)
    assert placed.below(column, Between(0, None)) == Between(0, 50)
    assert placed.below(column, Between(60, 100)) == Between(60, 100)
    assert placed.below(other, Between(0, None)) == Between(0, None)
    assert placed.at_the_end(column, 20) == Between(50, None)
    assert placed.at_the_end(column, 70) == Between(70, None)
    assert placed.at_the_end(other, None) == Between(None, None)
