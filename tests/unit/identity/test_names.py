"""By which names somebody is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain import LAST_CHARACTER, MOST_WORDS, search_names, searchable


@pytest.mark.parametrize(
    ("text", "looked_for"),
    [
        ("Zoë Ångström", "zoe angstrom"),
        ("  Ada \t King ", "ada king"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("李 明", "李 明"),
        ("", ""),
    ],
)
def test_a_name_is_looked_for_without_case_accents_and_needless_blanks(text: str, looked_for: str) -> None:
    assert searchable(text) == looked_for


def test_somebody_is_found_from_each_word_of_their_names_on() -> None:
    assert search_names("ada", "Ada King Lovelace", "The Countess") == [
        "ada",
        "ada king lovelace",
        "ada lovelace",
        "countess",
        "king lovelace",
        "lovelace",
        "the countess",
    ]


def test_a_name_of_a_thousand_words_is_found_by_its_first_ten() -> None:
    assert len(search_names("ada", " ".join(f"w{number}" for number in range(1_000)), None)) == MOST_WORDS + 2


def test_a_name_of_signs_that_become_many_is_cut() -> None:
    assert {len(name) <= 255 for name in search_names("ada", "\ufdfa" * 255, None)} == {True}


@given(st.text(max_size=40), st.integers(0, 10))
def test_whatever_a_name_begins_with_finds_it(name: str, length: int) -> None:
    names = search_names("user", name, None)
    begin = searchable(name)[:length]
    assert not searchable(name) or any(begin <= each < begin + LAST_CHARACTER for each in names)


@given(st.text(max_size=100))
def test_what_is_looked_for_is_looked_for_as_it_is(text: str) -> None:
    assert searchable(searchable(text)) == searchable(text)
