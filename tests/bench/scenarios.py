"""What is measured, one method a scenario."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.identifiers import new_id
from tests.bench.boards import DRAGGERS, READERS, TASKS, Board
from tests.bench.files.running import FilesBench
from tests.bench.floors import CLIENTS
from tests.bench.graph.running import GraphBench
from tests.bench.history import Connection, load
from tests.bench.house import House
from tests.bench.load import Generator, Plan
from tests.bench.measures import Polled, RelayMeasured, Results, Sample, summed_up
from tests.bench.people import People
from tests.bench.pgbench import SCHEMA, Pgbench
from tests.bench.realtime.running import RealtimeBench
from tests.processes import HOST
from tests.servers import Servers

ALSO_IN_FLIGHT = (1, 16, 256)
LONG_THREAD = 10_000
PAGE_READERS = 64
_THREADS_OF_A_GROWN_DATABASE = 10_000
_OUTBOX_MAY_TAKE = 60.0


@dataclass(frozen=True)
class Options:
    """How long, how often, how many messages a grown database has, how many links the graph, and how many sockets are idle."""

    seconds: float
    rounds: int
    grown: int
    links: int
    sockets: int


class Scenarios:
    """Measures one house after another over the same servers, and keeps the results."""

    def __init__(
        self, options: Options, generator: Generator, database: Connection, people: People, pgbench: Pgbench, say: Callable[[str], None]
    ) -> None:
        self.results = Results()
        self._options, self._generator, self._database, self._people, self._pgbench = options, generator, database, people, pgbench
        self._say = say
        self._runs = 0
        self._long_thread: UUID | None = None
        self._cursors: list[str] = []

    async def settle(self, house: House) -> None:
        """Have people signed in, and at the first time their threads."""
        if self._people.all:
            await self._people.come_back(house.url)
            return
        self._say("people register and open their threads")
        await self._people.arrive(house.url)
        await self._pgbench.prepare(self._database, self._people.all[0].workspace_id)

    async def grow(self) -> None:
        """Make the database one that has been used for months, pgbench's side of it too."""
        threads = [new_id() for _ in range(_THREADS_OF_A_GROWN_DATABASE)]
        each = max(self._options.grown // len(threads), 1)
        workspace = self._people.all[0].workspace_id
        for schema in ("messages", SCHEMA):
            self._say(f"{each * len(threads):,} messages into {schema}")
            await load(self._database, schema, workspace, threads, each)

    async def posts(self, house: House, state: str) -> None:
        """Posts and pgbench in turn, so that both have the same minute; then posts with more and fewer in flight."""
        samples: list[Sample] = []
        pgbench: list[float] = []
        for number in range(1, self._options.rounds + 1):
            self._say(f"posts, {state} database, {CLIENTS} in flight, round {number}")
            samples.append(await self._post(house, CLIENTS))
            self._say(f"pgbench, {state} database, round {number}")
            await self._database.execute("CHECKPOINT")
            pgbench.append(await self._pgbench.run(self._options.seconds))
        self.results.posts.append(summed_up(f"posts, {state}", samples, pgbench))
        for in_flight in ALSO_IN_FLIGHT:
            self._say(f"posts, {state} database, {in_flight} in flight")
            self.results.posts.append(summed_up(f"posts, {state}", [await self._post(house, in_flight)]))

    async def pages(self, house: House, state: str) -> None:
        """Pages of 50 of a thread of 10,000: the newest, which everyone opens, all of them in turn, and none, where nothing is new."""
        thread = await self._long_thread_of(house)
        for name, cursors in (("newest page", [None]), ("pages by cursor", self._cursors)):
            self._say(f"{name}, {state} database")
            sample = await self._sample(house, self._people.readings(thread, cursors), PAGE_READERS, expected=200)
            self.results.pages.append(summed_up(f"{name}, {state}", [sample]))
        newest = self.results.pages[-2]
        self._say(f"polls of nothing new, {state} database")
        sample = await self._sample(house, await self._people.polls(house.url, thread), PAGE_READERS, expected=304)
        self.results.polls.append(Polled(summed_up(f"polls of nothing new, {state}", [sample]), newest))

    async def relay(self, house: House, state: str) -> None:
        """How far the relay is behind while posts run at full speed, and after."""
        self._say(f"relay, {state} database")
        begin: datetime = await self._database.fetchval("SELECT clock_timestamp()")
        posts = await self._post(house, CLIENTS)
        async with asyncio.timeout(_OUTBOX_MAY_TAKE):
            while await self._database.fetchval("SELECT EXISTS (SELECT FROM messages.outbox WHERE published_at IS NULL)"):
                await asyncio.sleep(0.02)
        row = await self._database.fetchrow(_RELAYED, begin)
        assert row is not None, "an aggregate has one row"
        median, p99 = row["seconds"]
        beside = summed_up(f"posts beside the relay, {state}", [posts])
        self.results.relay.append(RelayMeasured(f"relay, {state}", beside, row["events"], median * 1000, p99 * 1000, row["emptied"]))

    async def layout(self, house: House) -> None:
        """Posts and pages, for a comparison of layouts."""
        thread = await self._long_thread_of(house)
        self._say(f"posts, {house.layout}")
        posts = await self._post(house, CLIENTS)
        self.results.layouts.append(summed_up(f"posts, {house.layout}", [posts], memory_mb=house.megabytes()))
        self._say(f"pages, {house.layout}")
        pages = await self._sample(house, self._people.readings(thread, [None]), PAGE_READERS, expected=200)
        self.results.layouts.append(summed_up(f"newest page, {house.layout}", [pages], memory_mb=house.megabytes()))

    async def projects(self, house: House) -> None:
        """One board that all people see: shown, moved about, and looked through for what was lost."""
        self._say("a project with a board")
        board = Board(self._people)
        await board.begin(house.url)
        for in_flight in READERS:
            self._say(f"boards of {TASKS:,} tasks, {in_flight} in flight")
            sample = await self._sample(house, board.readings(), in_flight, expected=200)
            self.results.boards.append(summed_up("board", [sample]))
        self._say(f"moves of tasks, {DRAGGERS} in flight")
        moves = [await self._sample(house, board.moves(), DRAGGERS, expected=200) for _ in range(self._options.rounds)]
        self.results.moves.append(summed_up("moves of tasks", moves))
        self.results.tasks_lost = await board.lost(house.url)

    def files_bench(self, servers: Servers) -> FilesBench:
        """With the same people and the same generator."""
        return FilesBench(servers, self._generator, self._database, self._people, self._options.rounds, self.settle, self._say)

    def graph_bench(self, servers: Servers) -> GraphBench:
        return GraphBench(servers, self._database, self._people, self._options.links, self._options.seconds, self.settle, self._say)

    def realtime_bench(self, servers: Servers) -> RealtimeBench:
        options = self._options
        return RealtimeBench(
            servers, self._database, self._people, options.sockets, options.seconds, options.rounds, self.settle, self._say
        )

    async def read_back(self) -> None:
        """Count the acknowledged messages in the database."""
        self._say("acknowledged messages are read back")
        query = "SELECT count(*) FROM messages.messages WHERE thread_id = ANY($1) AND client_message_id IS NOT NULL"
        self.results.found = await self._database.fetchval(query, self._people.threads)

    async def _post(self, house: House, in_flight: int) -> Sample:
        self._runs += 1
        sample = await self._sample(house, self._people.posts(), in_flight, expected=201, keys=f"{self._runs:04}-")
        self.results.acknowledged += sample.load.acknowledged
        return sample

    async def _sample(self, house: House, requests: Sequence[bytes], in_flight: int, *, expected: int, keys: str = "") -> Sample:
        """After a checkpoint, so that nobody pays for what ran before."""
        await self._database.execute("CHECKPOINT")
        before = house.cpu_seconds()
        made = await self._generator.run(Plan(HOST, house.port, requests, in_flight, self._options.seconds, expected, keys=keys))
        used = {name: seconds - before[name] for name, seconds in house.cpu_seconds().items()}
        return Sample(made, {**used, "load": made.cpu_seconds})

    async def _long_thread_of(self, house: House) -> UUID:
        if self._long_thread is None:
            self._say(f"a thread of {LONG_THREAD:,} messages")
            person = self._people.all[0]
            self._long_thread = await self._people.open_thread(house.url)
            await load(self._database, "messages", person.workspace_id, [self._long_thread], LONG_THREAD)
            self._cursors = await self._people.cursors(house.url, self._long_thread, LONG_THREAD)
        return self._long_thread


# From a row's writing, a little before its commit, to its marking, a little after the acknowledgement.
_RELAYED = """
    SELECT count(*) AS events, extract(epoch FROM max(published_at) - max(occurred_at))::float8 AS emptied,
        percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM published_at - occurred_at)::float8) AS seconds
    FROM messages.outbox WHERE occurred_at >= $1"""
