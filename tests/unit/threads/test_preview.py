"""The beginning of what a message says."""

import pytest

from shared.preview import LENGTH, preview


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", ""),
        ("Hello  there\n you", "Hello there you"),
        ("<p>One</p><p>Two</p>", "One Two"),
        ("a<br>b", "a b"),
        ("<b>He</b>llo", "Hello"),
        ("Fish &amp; chips &lt;3", "Fish & chips <3"),
        ('<a href="x" title="a>b">link</a>', "link"),
    ],
)
def test_a_preview_is_text_alone(content: str, text: str) -> None:
    assert preview(content) == text


def test_a_preview_has_at_most_200_characters() -> None:
    assert preview("é" * 500) == "é" * LENGTH
