"""Who may have been told what: a simple model of threads and projects, to compare live connections with."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from shared.contracts.principal import Role

LOOK_ON = (Role.ADMIN, Role.AGENT, Role.PRODUCT_OWNER)
SEE_NOTES = (Role.ADMIN, Role.AGENT)


class Told(Enum):
    """What a client may say that it was told."""

    ALWAYS = "it must have been"
    NEVER = "it must not have been"
    PERHAPS = "its access changed at about the same time"


class Sight(NamedTuple):
    """How somebody sees a place after a step. seen_from: what was made earlier is hidden from them."""

    step: int
    sees: bool
    notes: bool
    seen_from: int

    def shows(self, said: "Said") -> bool:
        return self.sees and (self.notes or not said.note) and said.since >= self.seen_from


@dataclass
class Place:
    """A thread, or a project with its thread. parts: the step at which each came; blind: those who see nothing older.

    joined: the newest step at which each came, whether they left or not.
    """

    name: str
    project: bool
    private: bool
    guests: bool
    parts: dict[str, int] = field(default_factory=dict)
    blind: set[str] = field(default_factory=set)
    joined: dict[str, int] = field(default_factory=dict)

    def join(self, person: str, step: int, *, blind: bool = False) -> None:
        self.parts[person] = self.joined[person] = step
        if blind:
            self.blind.add(person)

    def leave(self, person: str) -> None:
        del self.parts[person]
        self.blind.discard(person)

    def sight(self, person: str, role: Role, step: int) -> Sight:
        if person in self.parts:
            sees = self.project or self.guests or role is not Role.GUEST
        else:
            sees = not self.project and not self.private and role in LOOK_ON
        return Sight(step, sees, role in SEE_NOTES, self.parts[person] if person in self.blind else 0)


@dataclass(frozen=True)
class Said:
    """Something that happened in a place. since: the step at which its subject was made."""

    text: str
    place: Place
    step: int
    note: bool
    since: int


@dataclass
class Model:
    """A step is one action. What is between two rests may be under way together."""

    roles: dict[str, Role]
    places: list[Place] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    rests: list[int] = field(default_factory=list)
    step: int = 0
    _sights: dict[tuple[str, str], list[Sight]] = field(default_factory=dict)

    def say(self, text: str, place: Place, *, note: bool = False, since: int | None = None) -> None:
        self.said.append(Said(text, place, self.step, note, self.step if since is None else since))

    def go_on(self) -> None:
        """An action is done: who sees what now."""
        for place in self.places:
            for person, role in self.roles.items():
                self._sights.setdefault((person, place.name), []).append(place.sight(person, role, self.step))
        self.step += 1

    def live(self, person: str, said: Said) -> Told:
        """By the sights between the rest before it and the one after it."""
        return self._between(person, said, self._rest_after(said.step))

    def resumed(self, person: str, said: Said) -> Told:
        """Of one who comes back at the end. Who joined meanwhile reloads, and is told what came later."""
        if not self._sights[person, said.place.name][-1].shows(said):
            return Told.NEVER
        joined = said.place.joined.get(person)
        if joined is not None and said.step < self._rest_after(joined):
            return Told.NEVER if self.live(person, said) is Told.NEVER else Told.PERHAPS
        return Told.ALWAYS if self._between(person, said, self.step) is Told.ALWAYS else Told.PERHAPS

    def _rest_after(self, step: int) -> int:
        return min((rest for rest in self.rests if rest > step), default=self.step)

    def _between(self, person: str, said: Said, last: int) -> Told:
        first = max((rest for rest in self.rests if rest <= said.step), default=0) - 1
        shown = [sight.shows(said) for sight in self._sights[person, said.place.name] if first <= sight.step < last]
        if all(shown):
            return Told.ALWAYS
        return Told.PERHAPS if any(shown) else Told.NEVER
