"""Ways through the graph, hop by hop: what the caller cannot see is not gone through, so nothing that lies behind it alone is found."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.graph.domain import Place
from services.graph.hops import Direction, Hops
from services.graph.owners import Owners
from shared.contracts.artifacts import Artifact
from shared.contracts.graph.links import LinkType
from shared.contracts.graph.reads import ArtifactNotFound, Cut
from shared.contracts.principal import Principal

MOST_NODES = 5_000
"""Things that one question looks at; owners are asked about each."""
MOST_LINKS = 2_000
"""Links at one thing that are followed in one direction."""
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is followed, for whom."""

    caller: Principal
    direction: Direction
    link_types: Sequence[LinkType]


@dataclass(slots=True)
class Budget:
    """What one question may take. cut: why it ended before its end."""

    nodes: int = MOST_NODES
    deadline: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    cut: Cut | None = None

    def grant(self, wanted: Sequence[Place]) -> Sequence[Place]:
        """As many as may still be looked at."""
        granted = wanted[: self.nodes]
        if len(granted) < len(wanted):
            self.cut = Cut.NODES
        self.nodes -= len(granted)
        return granted

    @property
    def is_spent(self) -> bool:
        if self.cut is None and time.monotonic() > self.deadline:
            self.cut = Cut.DEADLINE
        return self.cut is not None


@dataclass(slots=True)
class Reached:
    """What was found from a root. parents: over which thing each was found first. rings: by distance, each in the order of ids."""

    things: dict[UUID, Artifact]
    parents: dict[UUID, UUID | None]
    rings: list[list[UUID]]
    known: set[UUID]

    @classmethod
    def at(cls, root: Artifact) -> "Reached":
        return cls({root.id: root}, {root.id: None}, [[root.id]], {root.id})

    def way(self, thing_id: UUID) -> list[UUID]:
        """From the root to a thing, both included."""
        steps, at = [thing_id], self.parents[thing_id]
        while at is not None:
            steps.append(at)
            at = self.parents[at]
        return steps[::-1]


class Walker:
    def __init__(self, hops: Hops, owners: Owners) -> None:
        self._hops, self._owners = hops, owners

    async def root(self, place: Place, caller: Principal) -> Artifact:
        """Raises `ArtifactNotFound`."""
        found = (await self._owners.seen([place], caller)).get(place.id)
        if found is None or found.type is not place.type:
            raise ArtifactNotFound
        return found

    async def reach(self, root: Artifact, question: Question, *, depth: int, enough: int) -> tuple[Reached, Budget]:
        """All within so many links, or until more than enough is found."""
        reached, budget = Reached.at(root), Budget()
        while len(reached.rings) <= depth and len(reached.things) <= enough and not budget.is_spent:
            if not await self.hop(reached, question, budget):
                break
        return reached, budget

    async def hop(self, reached: Reached, question: Question, budget: Budget) -> list[UUID]:
        """One ring further; what is in it. What could not be seen is not asked about again."""
        ring = reached.rings[-1]
        edges = await self._hops.from_(question.caller.workspace_id, ring, question.direction, question.link_types, MOST_LINKS)
        places, parents = _first_met(ring, [(edge.near, edge.far) for edge in edges], reached.known)
        wanted = budget.grant([places[identifier] for identifier in sorted(places)])
        seen = await self._owners.seen(wanted, question.caller)
        reached.known.update(place.id for place in wanted)
        found = [place.id for place in wanted if place.id in seen and seen[place.id].type is place.type]
        for identifier in found:
            reached.things[identifier] = seen[identifier]
            reached.parents[identifier] = parents[identifier]
        if found:
            reached.rings.append(found)
        return found


def _first_met(
    ring: Sequence[UUID], edges: Sequence[tuple[UUID, Place]], known: set[UUID]
) -> tuple[Mapping[UUID, Place], Mapping[UUID, UUID]]:
    """What lies behind the ring, and over the first of the ring that it is linked to: the same, in whatever order links are found."""
    order = {identifier: place for place, identifier in enumerate(ring)}
    places: dict[UUID, Place] = {}
    parents: dict[UUID, UUID] = {}
    for near, far in edges:
        if far.id in known:
            continue
        before = parents.get(far.id)
        if before is None or order[near] < order[before]:
            places[far.id], parents[far.id] = far, near
    return places, parents


async def shortest(walker: Walker, start: Artifact, end: Artifact, question: Question) -> tuple[list[Artifact], Budget]:
    """A shortest way, looked for from both ends at once; empty where there is none, or none was found in time."""
    budget = Budget()
    if start.id == end.id:
        return [start], budget
    ahead, back = Reached.at(start), Reached.at(end)
    while not budget.is_spent:
        fewer = ahead if len(ahead.rings[-1]) <= len(back.rings[-1]) else back
        other = back if fewer is ahead else ahead
        found = await walker.hop(fewer, question, budget)
        met = [identifier for identifier in found if identifier in other.parents]
        if met:
            middle = min(met, key=lambda identifier: (len(other.way(identifier)), identifier))
            way = ahead.way(middle) + back.way(middle)[-2::-1]
            return [(ahead.things | back.things)[identifier] for identifier in way], budget
        if not found:
            break
    return [], budget
