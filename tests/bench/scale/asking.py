"""What is asked of both databases, and what must come."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import httpx2

from tests.bench.history import Connection
from tests.bench.http import request
from tests.bench.people import PEOPLE, Json, ask, page_path
from tests.bench.scale.sides import Side
from tests.bench.scale.sizes import PARTICIPANTS, THREADS

PAGE = 50
_MIDDLE_PAGES = 16
_MOST_COUNTED = 1_000  # unread messages (API.md)

_AT = "SELECT id FROM messages.messages WHERE thread_id = $1 AND created_at >= $2 ORDER BY created_at OFFSET $3 LIMIT 1"


@dataclass(frozen=True)
class Asked:
    """One kind of request: paths that are asked for in turn by all people, or posts."""

    name: str
    paths: Sequence[str] = ()

    @property
    def posts(self) -> bool:
        return not self.paths

    @property
    def status(self) -> int:
        return 201 if self.posts else 200

    def requests(self, side: Side) -> list[bytes]:
        """With the tokens of now."""
        if self.posts:
            return side.people.posts()
        people = side.people.all
        count = max(PEOPLE, len(self.paths))
        return [request("GET", self.paths[turn % len(self.paths)], people[turn % PEOPLE].access_token) for turn in range(count)]


NEWEST, MIDDLE, OLDEST = "history, newest page", "history, middle", "history, oldest page"
UNREAD, LIST, TAKING_PART, POST = "unread", f"threads, {PAGE}", "participants", "post"


class WrongAnswer(RuntimeError):
    """The database does not hold what it was filled with."""


async def asked_of(side: Side, url: str, database: Connection) -> list[Asked]:
    """All that is measured, with the cursors of this side. Whatever is asked for is looked at once. Raises `WrongAnswer`."""
    async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
        looked = _Looked(side, client, database)
        return [
            await looked.newest(),
            await looked.middle(),
            await looked.oldest(),
            await looked.unread(),
            await looked.threads(),
            await looked.participants(),
            Asked(POST),
        ]


class _Looked:
    def __init__(self, side: Side, client: httpx2.AsyncClient, database: Connection) -> None:
        self._side, self._client, self._database = side, client, database
        self._long = f"/api/collab/threads/{side.filled.long}"

    async def newest(self) -> Asked:
        path = page_path(self._side.filled.long, None)
        page = await self._get(path)
        _hold(path, [message["seq"] for message in page["messages"]], _seqs(self._side.size.long))
        return Asked(NEWEST, [path])

    async def middle(self) -> Asked:
        timeline = self._side.filled.timeline
        paths = []
        cursor = await self._message(timeline.begin + timeline.step * (timeline.messages // 2), 0)
        for _ in range(_MIDDLE_PAGES + 1):
            paths.append(page_path(self._side.filled.long, str(cursor)))
            page = await self._get(paths[-1])
            _hold(paths[-1], [message["seq"] for message in page["messages"]], _seqs(page["messages"][-1]["seq"]))
            cursor = page["nextCursor"]
        return Asked(MIDDLE, paths[1:])  # by cursors; the first was by a message's id

    async def oldest(self) -> Asked:
        last = await self._message(self._side.filled.timeline.begin, 2 * PAGE)
        page = await self._get(page_path(self._side.filled.long, str(last)))
        path = page_path(self._side.filled.long, page["nextCursor"])
        page = await self._get(path)
        _hold(path, [message["seq"] for message in page["messages"]], _seqs(PAGE))
        return Asked(OLDEST, [path])

    async def unread(self) -> Asked:
        counted = await self._get(f"{self._long}/unread")
        _hold("unread", (counted["unreadCount"], counted["capped"]), (_MOST_COUNTED, True))
        return Asked(UNREAD, [f"{self._long}/unread"])

    async def threads(self) -> Asked:
        path = f"/api/collab/threads?limit={PAGE}"
        page = await self._get(path)
        _hold(path, (len(page["threads"]), page["total"]), (PAGE, THREADS + 1))
        return Asked(LIST, [path])

    async def participants(self) -> Asked:
        """All pages of the wide thread's in turn."""
        first = f"/api/collab/threads/{self._side.filled.wide}/participants?limit={PAGE}"
        paths, found, cursor = [first], set[str](), None
        while True:
            page = await self._get(paths[-1])
            found |= {participant["id"] for participant in page["participants"]}
            cursor = page["nextCursor"]
            if cursor is None:
                break
            paths.append(f"{first}&cursor={cursor}")
        _hold(first, len(found), PARTICIPANTS)
        return Asked(TAKING_PART, paths)

    async def _get(self, path: str) -> Json:
        return await ask(self._client, "GET", path, 200, self._side.people.all[0])

    async def _message(self, since: object, offset: int) -> UUID:
        found: UUID = await self._database.fetchval(_AT, self._side.filled.long, since, offset)
        return found


def _seqs(last: int) -> list[int]:
    return list(range(last - PAGE + 1, last + 1))


def _hold(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise WrongAnswer(f"{what} gave {found}, not {expected}")
