"""People who do one thing after another at random, as the model allows."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from shared.contracts.principal import Role
from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path, path_of, taking_part
from tests.system.projects.team import begin, join
from tests.system.projects.team import path_of as project_path
from tests.system.realtime.followers import PATIENCE
from tests.system.realtime.model import Model, Place

CREATORS = ("agent", "client")
MOVING = ("mover", "shaker")
"""Those whose role changes."""
ROLES = {
    "agent": Role.AGENT,
    "client": Role.CLIENT,
    "admin": Role.ADMIN,
    "owner": Role.PRODUCT_OWNER,
    "guest": Role.GUEST,
    "mover": Role.CLIENT,
    "shaker": Role.AGENT,
}
MOST_PLACES = 5


@dataclass
class There:
    """A place as it is over HTTP."""

    place: Place
    creator: str
    thread: Json
    project: Json | None = None
    messages: list[tuple[Json, int]] = field(default_factory=list)

    @property
    def people(self) -> list[str]:
        """Who may be removed."""
        return [person for person in self.place.parts if person != self.creator]


class Story:
    """rest: until everybody was told everything."""

    def __init__(self, seed: int, house: House, people: dict[str, Person], rest: Callable[[], Awaitable[None]]) -> None:
        self.random, self._house, self.people, self._rest = random.Random(seed), house, people, rest
        self.model = Model({name: Role(person.user["role"]) for name, person in people.items()})
        self.told_of: list[str] = []
        self._places: list[There] = []

    async def go_on(self) -> None:
        """One thing more."""
        chosen = self.random.choices(
            [self._open, self._begin, self._add, self._remove, self._change, self._say, self._edit, self._turn, self._move],
            [2, 1, 3, 3, 1, 8, 3, 2, 1],
        )[0]
        if not self._places:
            chosen = self._open
        await chosen()
        self.model.go_on()
        if self.random.random() < 0.4 or chosen in (self._open, self._begin):
            await self._rest()
            self.model.rests.append(self.model.step)

    def _text(self) -> str:
        return f"{self.model.step}"

    def _some(self, of: Sequence[str]) -> list[str]:
        return self.random.sample(of, self.random.randrange(len(of)))

    async def _open(self) -> None:
        if len(self._places) >= MOST_PLACES:
            await self._say()
            return
        creator, private, guests = self.random.choice(CREATORS), self.random.random() < 0.4, self.random.random() < 0.7
        others = self._some([name for name in self.people if name != creator])
        people = taking_part(*(self.people[name] for name in others))
        thread = await self.people[creator].open(isPrivate=private, guestAccessAllowed=guests, participants=people)
        self._came(There(Place(thread["id"], False, private, guests), creator, thread), *others)

    async def _begin(self) -> None:
        if len(self._places) >= MOST_PLACES:
            await self._say()
            return
        creator = self.random.choice(CREATORS)
        project = await begin(self.people[creator])
        self._came(There(Place(project["threadId"], True, False, True), creator, {"id": project["threadId"]}, project))

    def _came(self, there: There, *others: str) -> None:
        for person in (there.creator, *others):
            there.place.join(person, self.model.step)
        self._places.append(there)
        self.model.places.append(there.place)

    async def _add(self) -> None:
        there = self.random.choice(self._places)
        out = [name for name in self.people if name not in there.place.parts]
        if not out:
            await self._say()
            return
        name, creator, blind = self.random.choice(out), self.people[there.creator], False
        if there.project is not None:
            await self._followed(there, lambda: join(there.project or {}, creator, self.people[name]))
        else:
            blind = self.random.random() < 0.4
            body = {"userId": self.people[name].id, "canSeeHistory": not blind}
            expect(await creator.post(f"{path_of(there.thread)}/participants", body), 201)
        there.place.join(name, self.model.step, blind=blind)

    async def _remove(self) -> None:
        there = self.random.choice(self._places)
        if not there.people:
            await self._say()
            return
        name, creator = self.random.choice(there.people), self.people[there.creator]
        if there.project is not None:
            path = f"{project_path(there.project)}/members/{self.people[name].id}"
            await self._followed(there, lambda: creator.delete(path))
        else:
            expect(await creator.delete(f"{path_of(there.thread)}/participants/{self.people[name].id}"), 204)
        there.place.leave(name)

    async def _followed(self, there: There, change: Callable[[], Awaitable[object]]) -> None:
        """A project's thread has followed it."""
        before = len(await self._house.events("threads", there.thread["id"]))
        await change()
        async with asyncio.timeout(PATIENCE):
            while len(await self._house.events("threads", there.thread["id"])) == before:
                await asyncio.sleep(0.01)

    async def _change(self) -> None:
        """What is no matter of seeing: they are muted, or observe."""
        there = self.random.choice(self._places)
        if there.project is not None or not there.people:
            await self._say()
            return
        name = self.random.choice(there.people)
        change = self.random.choice(
            [{"status": "muted"}, {"status": "active"}, {"participantRole": "observer"}, {"participantRole": "member"}]
        )
        path = f"{path_of(there.thread)}/participants/{self.people[name].id}"
        expect(await self.people[there.creator].patch(path, change), 200)

    async def _say(self) -> None:
        there = self.random.choice(self._places)
        note = there.creator == "agent" and self.random.random() < 0.3
        by = self.people[there.creator]
        message = await by.say(there.thread, self._text(), **({"channel": "note"} if note else {}))
        self.model.say(self._text(), there.place, note=note)
        if not note:
            there.messages.append((message, self.model.step))

    async def _edit(self) -> None:
        there = self.random.choice(self._places)
        if not there.messages:
            await self._say()
            return
        message, since = self.random.choice(there.messages)
        expect(await self.people[there.creator].patch(message_path(message), {"content": self._text()}), 200)
        self.model.say(self._text(), there.place, since=since)

    async def _turn(self) -> None:
        """Open or private, with guests or without."""
        there = self.random.choice(self._places)
        if there.project is not None:
            await self._say()
            return
        if self.random.random() < 0.6:
            there.place.private, change = not there.place.private, {"isPrivate": not there.place.private}
        else:
            there.place.guests, change = not there.place.guests, {"guestAccessAllowed": not there.place.guests}
        expect(await self.people[there.creator].patch(path_of(there.thread), change), 200)

    async def _move(self) -> None:
        """Somebody has another role."""
        name = self.random.choice(MOVING)
        role = self.random.choice([role for role in (Role.AGENT, Role.PRODUCT_OWNER, Role.CLIENT) if role is not self.model.roles[name]])
        expect(await self._house.host.patch(f"/api/users/{self.people[name].id}", {"role": role}), 200)
        self.model.roles[name] = role
