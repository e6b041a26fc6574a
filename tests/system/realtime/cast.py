"""Somebody of each role in each relation to a thread and a project."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.contracts.principal import Role
from tests.system.house import House
from tests.system.people import Json, Person, expect, path_of
from tests.system.projects.team import begin, join
from tests.system.projects.team import path_of as project_path
from tests.system.realtime.followers import Follower, Transport, caught_up, cursor_of, following, marked

ROLES = (Role.ADMIN, Role.AGENT, Role.PRODUCT_OWNER, Role.CLIENT, Role.GUEST)


class Membership(StrEnum):
    """How somebody is in the thread and the project: from the beginning, not any more, or later."""

    MEMBER = "member"
    OBSERVER = "observer"
    GUEST = "guest there"
    NONE = "nobody there"
    REMOVED = "removed before"
    LEAVING = "removed meanwhile"
    LATER = "joined meanwhile"
    LATER_BLIND = "joined meanwhile, without the history"
    ELSEWHERE = "in another workspace"


LATE = (Membership.LATER, Membership.LATER_BLIND)
_FLAGS: dict[Membership, Json] = {
    Membership.OBSERVER: {"participantRole": "observer"},
    Membership.GUEST: {"participantRole": "guest"},
    Membership.LATER_BLIND: {"canSeeHistory": False},
}


@dataclass(frozen=True)
class Somebody:
    name: str
    membership: Membership | None
    person: Person


@dataclass
class Cast:
    """The creator, and everybody else, with the thread and the project that it is about."""

    house: House
    creator: Person
    everybody: list[Somebody]
    thread: Json
    project: Json
    cursor: str = ""
    live: dict[tuple[str, Transport], Follower] = field(default_factory=dict)

    def those(self, *memberships: Membership) -> list[Somebody]:
        return [one for one in self.everybody if one.membership in memberships]

    async def join(self, *memberships: Membership) -> list[Somebody]:
        joining = self.those(*memberships)
        for one in joining:
            assert one.membership is not None
            body = {"userId": one.person.id, **_FLAGS.get(one.membership, {})}
            expect(await self.creator.post(f"{path_of(self.thread)}/participants", body), 201)
            await join(self.project, self.creator, one.person)
        return joining

    async def leave(self, *memberships: Membership) -> None:
        for one in self.those(*memberships):
            expect(await self.creator.delete(f"{path_of(self.thread)}/participants/{one.person.id}"), 204)
            expect(await self.creator.delete(f"{project_path(self.project)}/members/{one.person.id}"), 204)

    async def who_gets(self, path: str) -> frozenset[str]:
        """The names of those who are answered over HTTP."""
        answers = await asyncio.gather(*(one.person.get(path) for one in self.everybody))
        assert {answer.status_code for answer in answers} <= {200, 404, 403}
        return frozenset(one.name for one, answer in zip(self.everybody, answers, strict=True) if answer.status_code == 200)

    async def heard(self) -> dict[tuple[str, Transport], list[Json]]:
        """All that everybody was told until now."""
        return await self.heard_until(await self.mark())

    async def heard_until(self, marks: dict[str, str]) -> dict[tuple[str, Transport], list[Json]]:
        return {key: await caught_up(follower, marks[key[0]]) for key, follower in self.live.items()}

    async def mark(self) -> dict[str, str]:
        """By name."""
        marks = await marked(self.house, [one.person for one in self.everybody])
        return {one.name: marks[one.person.id] for one in self.everybody}

    async def resumed(self, marks: dict[str, str]) -> dict[tuple[str, Transport], list[Json]]:
        """What each is told who comes back with the cursor from before, up to the marks."""
        told: dict[tuple[str, Transport], list[Json]] = {}
        for one in self.everybody:
            for transport in Transport:
                async with following(self.house, one.person, transport, self.cursor) as follower:
                    told[one.name, transport] = await caught_up(follower, marks[one.name])
        return told


@asynccontextmanager
async def cast_of(house: House, creator_role: Role, **fields: Any) -> AsyncIterator[Cast]:
    """All are there, and follow over both transports."""
    creator = await house.person(creator_role)
    everybody = [Somebody("creator", None, creator)]
    for role in ROLES:
        for membership in Membership:
            person = await (house.elsewhere(role) if membership is Membership.ELSEWHERE else house.person(role))
            everybody.append(Somebody(f"{role}, {membership}", membership, person))
    cast = Cast(house, creator, everybody, await creator.open(**fields), await begin(creator))
    await cast.join(Membership.MEMBER, Membership.OBSERVER, Membership.GUEST, Membership.LEAVING, Membership.REMOVED)
    await cast.leave(Membership.REMOVED)
    async with AsyncExitStack() as stack:
        for one in everybody:
            for transport in Transport:
                cast.live[one.name, transport] = await stack.enter_async_context(following(house, one.person, transport))
        cast.cursor = await cursor_of(creator)
        yield cast
