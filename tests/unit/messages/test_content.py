"""What content becomes on its way in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messages.content import MOST_NAMED, clean, named
from shared.contracts.refusals import RequestIsInvalid


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("plain text, ünïcode 😀", "plain text, ünïcode 😀"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("<b>bold</b> <i onmouseover='x()'>italic</i>", "<b>bold</b> <i>italic</i>"),
        ("a<script>alert(1)</script>b", "ab"),
        ('<a href="javascript:alert(1)">link</a>', '<a rel="noopener noreferrer">link</a>'),
        ('<img src="x" onerror="alert(1)">', '<img src="x">'),
        ("<svg><script>alert(1)</script>text</svg>", "text"),
    ],
)
def test_what_could_run_is_taken_out(sent: str, kept: str) -> None:
    assert clean(sent) == kept


@given(st.text(min_size=1, max_size=200))
def test_cleaning_again_changes_nothing(sent: str) -> None:
    try:
        once = clean(sent)
    except RequestIsInvalid:
        return
    assert clean(once) == once


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("hello", []),
        ("@ada", ["ada"]),
        ("Hi @Ada, and @bob.2. (@carl_x)", ["ada", "bob.2", "carl_x"]),
        ("<p>hi</p><p>@ada</p>", ["ada"]),
        ("@ada @ada", ["ada"]),
        ("ada@example.com, @@ada, @-, @ ada", []),
        ('<a title="@ada">x</a>', []),
        ("&amp;@ada", ["ada"]),
    ],
)
def test_names_stand_by_themselves(content: str, names: list[str]) -> None:
    assert named(content) == names


def test_a_message_names_a_hundred() -> None:
    assert len(named(" ".join(f"@user{number}" for number in range(150)))) == MOST_NAMED
