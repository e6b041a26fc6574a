"""Titles as they are shown: anybody wrote them, so they hold anything."""

import unicodedata
from functools import lru_cache
from html import escape

FONT_SIZE = 12
WIDEST = 190.0
"""Of a label."""
MOST_MARKS = 2
"""That stand on one character: more of them reach into the neighbours."""
KNOWN = 4_096
"""Titles of one picture: each is shown at its thing and at its links."""
ELLIPSIS = "…"
UNTITLED = "(no title)"

_JOINER = "\u200d"
_NARROW, _BROAD = frozenset("iljtfrI.,:;'|!()[]{}/\\ -·"), frozenset("mwMWOQGCDNH@%&+=<>…—_#~")
_WIDE = {"W": 1.05, "F": 1.05}
_EMOJI = range(0x1F000, 0x1FB00)
# Of the font's size: a little more than of the widest fonts that browsers take for `sans-serif`.
_NARROW_EM, _PLAIN_EM, _BROAD_EM, _OTHER_EM, _EMOJI_EM = 0.4, 0.63, 0.9, 0.85, 1.4


def xml_text(text: str) -> str:
    """As text of an element, or a value in quotes."""
    return escape(text)


@lru_cache(KNOWN)
def readable(text: str, longest: int) -> str:
    """On one line; without what XML has no place for, and without what turns the direction of everything behind it."""
    kept: list[str] = []
    marks = 0
    for character in text[: 4 * longest]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category in ("Zs", "Zl", "Zp") or character in "\t\n\r":
            character = " "
        elif marks > MOST_MARKS or category in ("Cc", "Cs", "Cn", "Co") or (category == "Cf" and character != _JOINER):
            continue
        kept.append(character)
    words = " ".join("".join(kept).split())
    return cut(words, longest) or UNTITLED


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else _whole(text[: longest - 1]) + ELLIPSIS


@lru_cache(KNOWN)
def label(text: str) -> str:
    """As much of it as has room."""
    if width(text) <= WIDEST:
        return text
    room, kept = WIDEST - width(ELLIPSIS), 0
    for character in text:
        room -= width(character)
        if room < 0:
            break
        kept += 1
    return _whole(text[:kept]) + ELLIPSIS


def width(text: str) -> float:
    """About as wide as it is shown, or wider."""
    return FONT_SIZE * sum(map(_em, text))


def _whole(text: str) -> str:
    """Without the space, or the half of an emoji, at its end."""
    return text.rstrip(" " + _JOINER)


def _em(character: str) -> float:
    if character in _NARROW:
        return _NARROW_EM
    if character in _BROAD:
        return _BROAD_EM
    if ord(character) < 0x250:
        return _PLAIN_EM
    if ord(character) in _EMOJI:
        return _EMOJI_EM
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    return _WIDE.get(unicodedata.east_asian_width(character), _OTHER_EM)
