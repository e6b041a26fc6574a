"""Who posts in the bench: sixteen people and the threads that they opened, through the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from shared.identifiers import new_id
from tests.bench.http import request
from tests.bench.load import KEY

type Json = dict[str, Any]

PEOPLE = 16
THREADS = 64
CONTENT = "Shall we <b>move</b> the booking to Tuesday? The venue has a room free at ten, and Ada can be there by then."
_PASSWORD = "correct horse battery staple"


@dataclass
class Person:
    """Somebody signed in. Access tokens last 15 minutes: `People.come_back` gets new ones."""

    id: UUID
    workspace_id: UUID
    access_token: str
    refresh_token: str

    @classmethod
    def of(cls, signed_in: Json) -> "Person":
        user = signed_in["user"]
        return cls(UUID(user["id"]), UUID(user["workspaceId"]), signed_in["accessToken"], signed_in["refreshToken"])


class People:
    """The first is the admin, the others are agents: they post wherever they see."""

    def __init__(self) -> None:
        self.all: list[Person] = []
        self.threads: list[UUID] = []

    async def arrive(self, url: str) -> None:
        """Register, and open the threads."""
        await self.register(url)
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            self.threads = [await self._open(client, self.all[number % PEOPLE]) for number in range(THREADS)]

    async def register(self, url: str) -> None:
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            for number in range(PEOPLE):
                body = {"email": f"person-{number}@bench.example", "password": _PASSWORD, "name": name_of(number)}
                self.all.append(Person.of(await ask(client, "POST", "/api/auth/register", 201, None, body)))
            for person in self.all[1:]:
                await ask(client, "PATCH", f"/api/users/{person.id}", 200, self.all[0], {"role": "agent"})

    async def come_back(self, url: str) -> None:
        """Trade everybody's tokens for new ones."""
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            for number, person in enumerate(self.all):
                body = {"refreshToken": person.refresh_token}
                self.all[number] = Person.of(await ask(client, "POST", "/api/auth/refresh", 200, None, body))

    async def open_thread(self, url: str) -> UUID:
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            return await self._open(client, self.all[0])

    def posts(self) -> list[bytes]:
        """A post to each thread, by who opened it; each sending gets a key of its own."""
        body = {"content": CONTENT, "clientMessageId": KEY.decode()}
        return [
            request("POST", f"/api/collab/threads/{thread}/messages", self._opener(number).access_token, body)
            for number, thread in enumerate(self.threads)
        ]

    def readings(self, thread: UUID, cursors: Sequence[str | None]) -> list[bytes]:
        """Pages of 50 of a thread: the newest for None, else the one before a cursor; asked for by all people in turn."""
        paths = [page_path(thread, cursor) for cursor in cursors]
        count = max(PEOPLE, len(paths))
        return [request("GET", paths[number % len(paths)], self.all[number % PEOPLE].access_token) for number in range(count)]

    async def polls(self, url: str, thread: UUID) -> list[bytes]:
        """Polls of a thread by those who have all of it, and know its answer."""
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            page = await ask(client, "GET", page_path(thread, None), 200, self.all[0])
            path = f"/api/collab/threads/{thread}/messages?after={page['messages'][-1]['id']}&changedSince={page['asOf']}"
            answers = [await client.get(path, headers={"authorization": f"Bearer {person.access_token}"}) for person in self.all]
        return [
            request("GET", path, person.access_token, known=answer.headers["etag"])
            for person, answer in zip(self.all, answers, strict=True)
        ]

    async def cursors(self, url: str, thread: UUID, messages: int) -> list[str]:
        """The cursors of all pages of a thread but the newest; checks on the way that the pages hold all messages."""
        found: list[str] = []
        seqs: list[int] = []
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            cursor: str | None = None
            while True:
                page = await ask(client, "GET", page_path(thread, cursor), 200, self.all[0])
                seqs[:0] = [message["seq"] for message in page["messages"]]
                if page["nextCursor"] is None:
                    break
                found.append(cursor := page["nextCursor"])
        if seqs != list(range(1, messages + 1)):
            raise RuntimeError(f"paging through {messages} messages gave {len(seqs)}, not each once in its order")
        return found

    def _opener(self, thread: int) -> Person:
        return self.all[thread % PEOPLE]

    async def _open(self, client: httpx2.AsyncClient, person: Person) -> UUID:
        body = {"kind": "booking", "bookingId": new_id().hex, "title": "A booking to talk about"}
        return UUID((await ask(client, "POST", "/api/collab/threads", 201, person, body))["id"])


def name_of(number: int) -> str:
    return f"Person {number}"


def page_path(thread: UUID, cursor: str | None) -> str:
    return f"/api/collab/threads/{thread}/messages?limit=50" + (f"&before={cursor}" if cursor else "")


async def ask(client: httpx2.AsyncClient, method: str, path: str, status: int, person: Person | None, body: Json | None = None) -> Json:
    """What is answered; another status than the one expected ends the bench."""
    headers = {"Authorization": f"Bearer {person.access_token}"} if person else {}
    answer = await client.request(method, path, headers=headers, json=body)
    if answer.status_code != status:
        raise RuntimeError(f"{method} {path} was answered with {answer.status_code}: {answer.text}")
    found: Json = answer.json()
    return found
