"""What is drawn."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Thing:
    id: str
    type: str
    title: str


@dataclass(frozen=True, slots=True)
class Link:
    """source, target: places in the list of things."""

    id: str
    source: int
    target: int
    type: str
    derived: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """things: in an order of their own, so that the same graph is the same picture. notes: what is not shown, and why."""

    things: Sequence[Thing]
    links: Sequence[Link]
    notes: Sequence[str]

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of_json(cls, text: bytes) -> Self:
        read: dict[str, Any] = json.loads(text)
        return cls([Thing(**one) for one in read["things"]], [Link(**one) for one in read["links"]], read["notes"])

    def linked(self) -> list[int]:
        """The things that have links."""
        return sorted({end for link in self.links for end in (link.source, link.target)})

    def loose(self) -> list[int]:
        """Those that have none."""
        linked = set(self.linked())
        return [place for place in range(len(self.things)) if place not in linked]
