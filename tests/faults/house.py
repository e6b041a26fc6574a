"""All of Atrium, each service in a process of its own over servers of its own: what the tests of this folder kill, freeze and starve."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx2
from nats.js import JetStreamContext

from shared.credentials import OPERATOR, STORING_SERVICES
from shared.database.history import SYSTEM_ACTOR
from shared.embedded import Nats, Postgres, Program, Valkey
from shared.embedded.clamd import MEBIBYTE, clamd_program
from shared.embedded.program import PAUSE
from shared.identifiers import new_id
from shared.messaging.connection import close, connect
from shared.settings import Settings
from tests import forks
from tests.clamav import ClamdServer
from tests.faults.keeping import InFolder, Kept
from tests.processes import HOST, RAISED_LIMITS, ForkedAtrium, free_port
from tests.servers import Servers, declare, embedded_servers
from tests.system.people import PASSWORD, Json, Person, expect

PATIENCE = 30.0
"""Seconds for whatever must happen in the end: other tests may keep the disk busy."""
DUPLICATE_WINDOW = 0.5
"""Seconds in which JetStream drops an event that it has: too short to help anybody here."""
SCAN_TIMEOUT = 30
"""Seconds after which clamd hangs: more than it needs on a busy machine, where each try that ends so makes a file wait longer."""
LARGEST = 60 * MEBIBYTE
"""That clamd takes."""
TAKEN = 12 * MEBIBYTE
"""That the services take, unless a test says something else: at half of it, a part of 5 MiB has gone to S3."""
PEOPLE = 4
ANSWER_WITHIN = 20.0


@dataclass
class House:
    """An Atrium that runs. `people` see and post everywhere: the first is the admin, the others are agents. `kept`: its files."""

    servers: Servers
    settings: dict[str, str]
    programs: dict[str, Program]
    http: httpx2.AsyncClient
    people: list[Person]
    kept: Kept

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def process(self, *services: str, name: str, **settings: str) -> ForkedAtrium:
        """One process more, not started yet."""
        return ForkedAtrium(list(services), {**self.settings, **settings}, self.servers.data, name)

    async def newcomer(self) -> Person:
        """Somebody who registered; all but the first become agents."""
        body = {"email": f"{new_id().hex}@faults.example", "password": PASSWORD, "name": "Ada Lovelace"}
        person = Person(self.http, expect(await self.http.post("/api/auth/register", json=body), 201))
        if self.people:
            expect(await self.people[0].patch(f"/api/users/{person.id}", {"role": "agent"}), 200)
        return person

    async def renew_sessions(self) -> None:
        """An access token lives for 15 minutes, and all tests together take longer."""
        for person in self.people:
            signed_in = expect(await self.http.post("/api/auth/refresh", json={"refreshToken": person.refresh_token}), 200)
            person.access_token, person.refresh_token = signed_in["accessToken"], signed_in["refreshToken"]

    async def opened_thread(self) -> Json:
        return await self.people[0].open()

    async def readiness(self) -> tuple[int, Json]:
        """What the gateway says of itself and of all behind it; status 0 when it says nothing."""
        try:
            answer = await self.http.get("/readyz")
        except httpx2.TransportError:
            return 0, {}
        return answer.status_code, answer.json()

    async def is_well(self) -> bool:
        """Whether requests are answered, events published and limits kept by all. There is no clamd, which files alone wait for."""
        status, said = await self.readiness()
        states = said.get("dependencies", {}) | said.get("services", {})
        return status == 200 and all(state["ok"] for name, state in states.items() if name != "clamd")

    async def mend(self) -> None:
        """Start what does not run, and wait until all is well: the next test finds what this one found."""
        for program in self.programs.values():
            program.thaw() if program.running else await program.start()
        await eventually(self.is_well, "all is well")

    async def outbox(self, service: str) -> tuple[int, int]:
        """How many events of a service are published, and how many wait."""
        async with self.database() as admin:
            row = await admin.fetchrow(f"SELECT count(published_at), count(*) - count(published_at) FROM {service}.outbox")
        assert row is not None
        return row[0], row[1]

    async def publishes(self) -> None:
        """Wait until the relay of messages has published something more."""
        before, _ = await self.outbox("messages")

        async def more() -> bool:
            return (await self.outbox("messages"))[0] > before

        await eventually(more, "events of messages are published")

    async def highest_cursor(self) -> int:
        """The highest place in the stream that was ever recorded."""
        async with self.database() as admin:
            highest = [await admin.fetchval(f"SELECT coalesce(max(stream_seq), 0) FROM {name}.outbox") for name in STORING_SERVICES]
        return int(max(highest))

    async def all_is_published(self) -> bool:
        return [(await self.outbox(service))[1] for service in STORING_SERVICES] == [0] * len(STORING_SERVICES)

    @asynccontextmanager
    async def database(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """PostgreSQL, as its admin."""
        connection = await asyncpg.connect(self.servers.postgres_url, server_settings={"app.actor": SYSTEM_ACTOR})
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def jetstream(self) -> AsyncIterator[JetStreamContext]:
        """JetStream, as the operator."""
        client = await connect(self.servers.nats_url, OPERATOR, self.servers.credentials.nats[OPERATOR], name="tests")
        try:
            yield client.jetstream()
        finally:
            await close(client)

    async def atrium(self, *arguments: str) -> tuple[int, str]:
        """A command of the operator's: its exit code, and what it showed."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ATRIUM_")}
        code, shown, said = await forks.run(arguments, {**ours, **self.settings})
        return code, (shown + said).decode()


@asynccontextmanager
async def running_house(keeping: Callable[[Path], Kept] = InFolder) -> AsyncIterator[House]:
    """Everything, started side by side; stopped in order afterwards. keeping: where, of a folder for the house's data."""
    forks.prepare()
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(embedded_servers())
        await declare(servers, Settings(events_duplicate_window=DUPLICATE_WINDOW))
        port, kept = free_port(), keeping(servers.data)
        settings = {
            **servers.environment,
            **kept.environment,
            **RAISED_LIMITS,
            "ATRIUM_HOST": HOST,
            "ATRIUM_PORT": str(port),
            "ATRIUM_EVENTS_DUPLICATE_WINDOW": str(DUPLICATE_WINDOW),
            "ATRIUM_SCAN_TIMEOUT": str(SCAN_TIMEOUT),
            "ATRIUM_ATTACHMENT_LIMIT": str(TAKEN),
        }
        for program in kept.programs.values():
            stack.push_async_callback(program.stop)
            await program.start()
        clamav = ClamdServer(servers.data / "clamd", LARGEST) if clamd_program() else None
        if clamav is None:
            settings["ATRIUM_SCANNING"] = "off"
        else:
            settings["ATRIUM_CLAMD_URL"] = clamav.url
            stack.push_async_callback(clamav.stop)
            await clamav.start()
        processes = {name: ForkedAtrium([name], settings, servers.data) for name in ("gateway", *STORING_SERVICES)}
        stack.push_async_callback(_stop, processes.values())
        await asyncio.gather(*(process.start() for process in processes.values()))
        assert isinstance(servers.postgres, Postgres)
        assert isinstance(servers.nats, Nats)
        assert isinstance(servers.valkey, Valkey)
        programs = {**processes, "PostgreSQL": servers.postgres, "NATS": servers.nats, "Valkey": servers.valkey, **kept.programs}
        if clamav is not None:
            programs["clamd"] = clamav
        as_many_as_wanted = httpx2.Limits(max_connections=None, max_keepalive_connections=50)
        http = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=ANSWER_WITHIN, limits=as_many_as_wanted)
        )
        house = House(servers, settings, programs, http, [], kept)
        await eventually(house.is_well, "all is well")
        for _ in range(PEOPLE):
            house.people.append(await house.newcomer())
        yield house


async def _stop(processes: Iterable[Program]) -> None:
    await asyncio.gather(*(process.stop(within=10) for process in processes))


async def eventually(condition: Callable[[], Awaitable[bool]] | Callable[[], bool], what: str, within: float = PATIENCE) -> None:
    """Wait until something holds."""
    until = time.monotonic() + within
    while not (held if isinstance(held := condition(), bool) else await held):
        assert time.monotonic() < until, f"not within {within:g} s: {what}"
        await asyncio.sleep(PAUSE)
