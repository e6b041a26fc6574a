"""A project with a large board, through the API, and what is asked of it."""

import asyncio
import random
from collections.abc import Sequence

import httpx2

from tests.bench.http import request
from tests.bench.people import Json, People, Person, ask

TASKS = 1_000
DRAGGERS = 64
"""Clients that move tasks of the one board at once."""
READERS = (1, 16)
_MADE_AT_ONCE = 16
_MOVES = 10_000


class Board:
    """All people are members of its project."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._path = ""
        self._tasks: list[str] = []
        self._columns: list[str] = []

    async def begin(self, url: str) -> None:
        owner, *others = self._people.all
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            project = await ask(client, "POST", "/api/projects", 201, owner, {"name": "A board of a thousand tasks"})
            self._path = f"/api/projects/{project['id']}"
            for person in others:
                await ask(client, "POST", f"{self._path}/members", 201, owner, {"userId": str(person.id)})
            columns: list[Json] = (await ask(client, "GET", f"{self._path}/columns", 200, owner))["columns"]
            self._columns = [column["id"] for column in columns]
            for begin in range(0, TASKS, _MADE_AT_ONCE):
                places = range(begin, min(begin + _MADE_AT_ONCE, TASKS))
                made = await asyncio.gather(*(self._task(client, place) for place in places))
                self._tasks += [task["id"] for task in made]

    def readings(self) -> list[bytes]:
        return [request("GET", f"{self._path}/board", person.access_token) for person in self._people.all]

    def moves(self) -> list[bytes]:
        """Any task to any column, to its top or after any other, by anybody."""
        chance = random.Random(1)
        return [self._move(chance, self._people.all[number % len(self._people.all)]) for number in range(_MOVES)]

    async def lost(self, url: str) -> int:
        """Tasks that the board has not, or has twice, or that stand at one place with another."""
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            columns: Sequence[Json] = (await ask(client, "GET", f"{self._path}/board", 200, self._people.all[0]))["columns"]
        places = [(column["id"], task["position"]) for column in columns for task in column["tasks"]]
        shown = [task["id"] for column in columns for task in column["tasks"]]
        return len(set(self._tasks) ^ set(shown)) + len(shown) - len(set(shown)) + len(places) - len(set(places))

    async def _task(self, client: httpx2.AsyncClient, place: int) -> Json:
        body = {"title": f"Task {place}: ask the venue for a room", "columnId": self._columns[place % len(self._columns)]}
        return await ask(client, "POST", f"{self._path}/tasks", 201, self._people.all[place % len(self._people.all)], body)

    def _move(self, chance: random.Random, person: Person) -> bytes:
        task, other = chance.sample(self._tasks, 2)
        body = {"columnId": chance.choice(self._columns), "afterId": chance.choice([None, other])}
        return request("POST", f"{self._path}/tasks/{task}/move", person.access_token, body)
