"""The tree of paths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class _Node:
    """A place in the tree of paths: what follows it, and what it answers itself, by method."""

    literal: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    routes: dict[str, Any] = field(default_factory=dict)


class Table[E]:
    """Finds what a path names in one step a segment. HEAD is GET; a trailing slash is another path."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, method: str, path: str, entry: E) -> None:
        node = self._root
        for segment in path.split("/"):
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment, _Node())
        node.routes[method] = entry
        if method == "GET":
            node.routes["HEAD"] = entry

    def find(self, path: str) -> tuple[Mapping[str, E], list[str]]:
        """By method what the path answers (nothing where it is unknown), and the values of its parameters."""
        node, values = self._root, []
        for segment in path.split("/"):
            following = node.literal.get(segment)
            if following is None and segment:
                following = node.parameter
                values.append(segment)
            if following is None:
                return {}, []
            node = following
        return node.routes, values

    def __iter__(self) -> Iterator[E]:
        nodes = [self._root]
        while nodes:
            node = nodes.pop()
            nodes += node.literal.values()
            if node.parameter:
                nodes.append(node.parameter)
            yield from (entry for method, entry in node.routes.items() if method != "HEAD")
