"""A team's board, as tests of it read and change it."""

from tests.system.people import Json, Person, expect
from tests.system.projects.team import Team


async def board_of(team: Team) -> list[Json]:
    columns: list[Json] = expect(await team.member.get(team.at("board")), 200)["columns"]
    return columns


async def order_of(team: Team) -> list[list[str]]:
    """The titles of each column's tasks."""
    return [[task["title"] for task in column["tasks"]] for column in await board_of(team)]


async def add(team: Team, title: str, **fields: object) -> Json:
    return expect(await team.member.post(team.at("tasks"), {"title": title, **fields}), 201)


async def move(person: Person, team: Team, task: Json, column: Json, after: Json | None = None) -> Json:
    body = {"columnId": column["id"], "afterId": after["id"] if after else None}
    return expect(await person.post(team.at("tasks", task["id"], "move"), body), 200)
