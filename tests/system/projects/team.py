"""A project with somebody in each role, asked over HTTP."""

from dataclasses import dataclass

from tests.system.house import House
from tests.system.people import Json, Person, expect

PROJECTS = "/api/projects"


@dataclass(frozen=True)
class Team:
    """`stranger` is in the workspace, and not in the project."""

    project: Json
    owner: Person
    maintainer: Person
    member: Person
    stranger: Person

    @property
    def path(self) -> str:
        return path_of(self.project)

    def at(self, *steps: str) -> str:
        return "/".join((self.path, *steps))


def path_of(project: Json) -> str:
    return f"{PROJECTS}/{project['id']}"


async def begin(owner: Person, **fields: object) -> Json:
    return expect(await owner.post(PROJECTS, {"name": "Turin", **fields}), 201)


async def join(project: Json, by: Person, person: Person, role: str = "MEMBER") -> Json:
    return expect(await by.post(f"{path_of(project)}/members", {"userId": person.id, "role": role}), 201)


async def team_of(house: House) -> Team:
    owner, maintainer, member, stranger = [await house.person() for _ in range(4)]
    project = await begin(owner)
    await join(project, owner, maintainer, "MAINTAINER")
    await join(project, owner, member)
    return Team(project, owner, maintainer, member, stranger)
