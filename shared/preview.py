"""What a message is known by in lists and in the graph: the beginning of its text."""

import re
from html.parser import HTMLParser

LENGTH = 200  # characters
_MARKUP = re.compile(r"[<&]")
_INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "s", "samp"),
        *("small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var"),
    }
)


class _Text(HTMLParser):
    """Collects text; what is not inline stands apart."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.handle_starttag(tag, [])


def preview(content: str) -> str:
    """The first 200 characters of what clean HTML says."""
    if _MARKUP.search(content):
        parser = _Text()
        parser.feed(content)
        parser.close()
        content = "".join(parser.parts)
    return " ".join(content.split())[:LENGTH]
