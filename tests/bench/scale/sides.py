"""One of the two databases that are compared, with servers and an Atrium of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import httpx2

from shared.embedded import Postgres
from shared.settings import Settings
from tests.bench.history import Connection
from tests.bench.house import USUAL, House, as_shipped, running_house
from tests.bench.people import CONTENT, THREADS, People, ask
from tests.bench.scale.filling import Filled, fill
from tests.bench.scale.sizes import Size
from tests.servers import SMALL, Servers, declare, embedded_servers

# What nobody would run with, for as long as the filling takes.
_LOADING = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "synchronous_commit": "off",
}


@dataclass
class Side:
    """A database of one size. `people` take part in its threads, and post to the first 64 of them."""

    size: Size
    servers: Servers
    people: People = field(default_factory=People)
    _filled: Filled | None = None

    @property
    def filled(self) -> Filled:
        assert self._filled is not None, "it is filled before it is measured"
        return self._filled

    async def connect(self) -> Connection:
        """As the admin."""
        return await asyncpg.connect(self.servers.postgres_url, command_timeout=1_200)

    async def fill(self) -> None:
        async with running_house(self.servers, USUAL) as house:
            template = await self._template(house)
        postgres = self.servers.postgres
        assert isinstance(postgres, Postgres), "its settings are ours"
        shipped = dict(postgres.settings)
        postgres.settings.update(_LOADING)
        await postgres.restart()
        self._filled = await fill(self.connect, self.size, self.people.all, template)
        self.people.threads = self._filled.threads[:THREADS]
        postgres.settings = shipped
        await postgres.restart()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[House]:
        """Its Atrium, with everybody signed in."""
        async with running_house(self.servers, USUAL) as house:
            await self.people.come_back(house.url)
            yield house

    async def _template(self, house: House) -> UUID:
        """A thread with a message that was read, all through the API."""
        await self.people.register(house.url)
        first = self.people.all[0]
        thread = await self.people.open_thread(house.url)
        path = f"/api/collab/threads/{thread}"
        async with httpx2.AsyncClient(base_url=house.url, timeout=30) as client:
            message = await ask(client, "POST", f"{path}/messages", 201, first, {"content": CONTENT, "clientMessageId": "template"})
            await ask(client, "POST", f"{path}/read", 200, first, {"lastMessageId": message["id"]})
        return thread


@asynccontextmanager
async def filled_side(size: Size) -> AsyncIterator[Side]:
    async with embedded_servers(SMALL) as servers:
        await declare(servers, Settings())
        await as_shipped(servers)
        side = Side(size, servers)
        await side.fill()
        yield side
