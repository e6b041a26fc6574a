"""One hop: the links at some things. Two ways find them, PostgreSQL and its mirror, and everything else is the same for both."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from services.graph.domain import Place
from shared.contracts.graph.links import LinkType
from shared.contracts.graph.reads import Engine


class Direction(Enum):
    BOTH = "both"
    ALONG = "along"
    """From sources to targets."""


class Edge(NamedTuple):
    """A link, as it is met from one of its ends."""

    near: UUID
    far: Place


class Hops(Protocol):
    engine: Engine

    async def from_(
        self, workspace_id: UUID, near: Sequence[UUID], direction: Direction, types: Sequence[LinkType], most: int
    ) -> list[Edge]:
        """The links at some things, at most so many of each."""
