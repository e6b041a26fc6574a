"""The graph in a few lines: what there is, who sees it, what is linked to what, and so what hangs together for whom."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.links import LinkType

TASK, MESSAGE = ArtifactType.TASK, ArtifactType.MESSAGE
TYPES = {
    frozenset({TASK, ArtifactType.FILE}): LinkType.TASK_FILE,
    frozenset({TASK, ArtifactType.PAGE}): LinkType.TASK_PAGE,
    frozenset({TASK, MESSAGE}): LinkType.TASK_MESSAGE,
}


@dataclass(frozen=True)
class Says:
    """What a thing says of others. of: those that a message replies to or gives the address of, or a page's file."""

    of: tuple[Artifact, ...] = ()
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Told:
    """A thing as an event tells of it."""

    thing: Artifact
    says: Says


@dataclass(frozen=True)
class Made:
    """A link that somebody made."""

    id: UUID
    source: UUID
    target: UUID
    scope: UUID


@dataclass
class Model:
    """threads: of projects, by thread; those of which the graph has heard are in `meaning`. members: by project or thread.

    said: the newest of what the graph has heard of each. known: tasks that it knows, by project and number. derived: by their sources.
    """

    threads: dict[UUID, UUID]
    members: dict[UUID, set[UUID]]
    things: dict[UUID, Artifact] = field(default_factory=dict)
    hidden: set[tuple[UUID, UUID]] = field(default_factory=set)
    made: dict[UUID, Made] = field(default_factory=dict)
    said: dict[UUID, Told] = field(default_factory=dict)
    known: dict[tuple[UUID | None, int | None], UUID] = field(default_factory=dict)
    meaning: dict[UUID | None, UUID] = field(default_factory=dict)
    derived: dict[UUID, set[UUID]] = field(default_factory=dict)

    def sees(self, person: UUID, thing_id: UUID) -> bool:
        thing = self.things[thing_id]
        return not thing.deleted and (person, thing_id) not in self.hidden and person in self.members[place_of(thing)]

    def outcome(self, person: UUID, source: UUID, target: UUID, scope: UUID) -> str:
        """Of linking."""
        if person not in self.members[scope]:
            return self.closed(scope)
        return "done" if self.sees(person, source) and self.sees(person, target) else "link_end_not_found"

    def outcome_of_unlinking(self, person: UUID, link: Made) -> str:
        if person not in self.members[link.scope]:
            return self.closed(link.scope)
        there = link.id in self.made
        seen = self.sees(person, link.source) and self.sees(person, link.target)
        return "done" if seen or not there else "artifact_link_not_found"

    def closed(self, scope: UUID) -> str:
        return "project_not_found" if scope in self.threads.values() else "thread_not_found"

    def link(self, link: Made) -> None:
        """The graph learns of both ends with it."""
        self.made[link.id] = link
        for thing in (self.things[link.source], self.things[link.target]):
            self._know(thing)

    def same(self, source: UUID, target: UUID, scope: UUID) -> UUID | None:
        return next((one.id for one in self.made.values() if (one.source, one.target, one.scope) == (source, target, scope)), None)

    def hear(self, events: Sequence[Told], threads: Collection[UUID]) -> None:
        """At once, in whatever order."""
        fresh: dict[UUID, Told] = {}
        for one in events:
            before = fresh.get(one.thing.id) or self.said.get(one.thing.id)
            if before is None or before.thing.version < one.thing.version:
                fresh[one.thing.id] = one
            self._know(one.thing)
        self.said |= fresh
        for told in fresh.values():
            if told.thing.type in (MESSAGE, ArtifactType.PAGE):
                self.derived[told.thing.id] = {other.id for other in told.says.of} | set(self._meant(told))
        self.meaning |= {thread: self.threads[thread] for thread in threads}
        came = {one.thing.id for one in events if one.thing.type is TASK}
        for told in self.said.values():
            told_now = told.thing.thread_id in threads
            self.derived.setdefault(told.thing.id, set()).update(one for one in self._meant(told) if told_now or one in came)

    def _know(self, thing: Artifact) -> None:
        if thing.type is TASK:
            self.known[thing.project_id, thing.number] = thing.id

    def _meant(self, told: Told) -> list[UUID]:
        """The tasks that it names by their numbers, as far as the graph can know."""
        project = self.meaning.get(told.thing.thread_id)
        keys = [(project, number) for number in told.says.numbers if project is not None]
        return [self.known[key] for key in keys if key in self.known]

    def edges(self, link_types: Iterable[LinkType]) -> set[tuple[UUID, UUID]]:
        ends = {(one.source, one.target) for one in self.made.values()}
        ends |= {(source, target) for source, targets in self.derived.items() for target in targets}
        return {(source, target) for source, target in ends if self._type(source, target) in link_types}

    def _type(self, source: UUID, target: UUID) -> LinkType:
        return TYPES.get(frozenset({self.things[source].type, self.things[target].type}), LinkType.LINKED_TO)

    def distances(self, root: UUID, person: UUID, edges: set[tuple[UUID, UUID]], depth: int, *, along: bool) -> Mapping[UUID, int]:
        """Ring by ring, through what the person sees."""
        found, ring = {root: 0}, {root}
        for distance in range(1, depth + 1):
            met = {target for source, target in edges if source in ring}
            met |= set() if along else {source for source, target in edges if target in ring}
            ring = {one for one in met if one not in found and self.sees(person, one)}
            found |= dict.fromkeys(ring, distance)
        return found


def place_of(thing: Artifact) -> UUID:
    """Whose members see it."""
    place = thing.project_id or thing.thread_id
    assert place is not None
    return place
