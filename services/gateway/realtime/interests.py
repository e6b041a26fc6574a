"""What of all that they may see a client wants to be told."""

from dataclasses import dataclass, field
from uuid import UUID

MOST = 1_000
"""Threads, projects and types that one connection may name together."""


@dataclass(slots=True)
class Interests:
    """Named keys (threads, projects) and types of events; an event is wanted that is in each of the sets that are not empty."""

    keys: set[UUID] = field(default_factory=set)
    types: set[str] = field(default_factory=set)

    def want(self, key: UUID, type: str) -> bool:
        return (not self.keys or key in self.keys) and (not self.types or type in self.types)

    @property
    def size(self) -> int:
        return len(self.keys) + len(self.types)
