"""Content is HTML: cleaned on the way in, so that every reader may show it as it is."""

import re

import nh3

from shared.contracts.refusals import FieldError, RequestIsInvalid

# Text without any of these is HTML already, and clean: most messages, and 15 µs each.
_MARKUP = re.compile(r"[<>&\r\xa0]")
_TAG = re.compile(r"<[^>]*>")
_SHOWS_WITHOUT_TEXT = ("<img", "<hr")
# A username stands by itself: `ada@example.com` mentions nobody. Those of identity end in a letter or digit, so a full stop may follow.
_NAMED = re.compile(r"(?<![\w@.&/-])@([A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?)")
MOST_NAMED = 100  # that one message mentions; who wants all of a thread has better means
_CLEANER = nh3.Cleaner()  # nh3's own list of what is safe; made once, which is two thirds of a cleaning


def clean_beside_files(content: str) -> str:
    """The content without what could run or deceive; there may be nothing left to show."""
    return _CLEANER.clean(content) if _MARKUP.search(content) else content


def clean(content: str) -> str:
    """The content without what could run or deceive. Raises `RequestIsInvalid` where nothing is left to show."""
    cleaned = clean_beside_files(content)
    if not _shows_something(cleaned):
        raise RequestIsInvalid(errors=[FieldError(field="content", code="empty", detail="Nothing is left of it to show.")])
    return cleaned


def named(content: str) -> list[str]:
    """The usernames that a clean content mentions, as in `@ada`, each once."""
    if "@" not in content:
        return []
    return list(dict.fromkeys(name.lower() for name in _NAMED.findall(_TAG.sub(" ", content))))[:MOST_NAMED]


def _shows_something(content: str) -> bool:
    if "<" not in content:
        return bool(content.strip())
    return any(tag in content for tag in _SHOWS_WITHOUT_TEXT) or bool(_TAG.sub("", content).strip())
