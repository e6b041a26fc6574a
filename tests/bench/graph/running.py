"""A whole Atrium over a large graph, without a Neo4j and with one."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from services.graph.mirror.connection import Neo4j
from services.graph.mirror.mirror import Mirror
from services.graph.repository.mirror import MirrorSource
from shared.credentials import OPERATOR, background_role
from shared.database.connections import Database, as_role
from shared.database.history import SYSTEM_ACTOR
from shared.embedded.neo4j import USER, Neo4jServer
from shared.messaging.connection import close, connect
from tests.bench.graph import scenarios
from tests.bench.graph.filling import Filled, fill
from tests.bench.graph.measures import GraphMeasured
from tests.bench.history import Connection
from tests.bench.house import USUAL, House, running_house
from tests.bench.people import People
from tests.neo4j import library
from tests.processes import free_port
from tests.servers import Servers

NO_NEO4J = "the graph is not measured: there is no Neo4j (`make neo4j` gets it, where there are Java and Maven)"
WARM_UP = 20
"""One link in so many is written before it is measured: Neo4j compiles itself as it goes."""

_BEFORE = 3
"""Rounds of questions before those that are measured: Neo4j runs for days, and compiles what is asked some hundreds of times."""


@dataclass(frozen=True)
class GraphBench:
    """links: of the whole graph; there are three artifacts for ten links. settle: has people signed in to a house."""

    servers: Servers
    database: Connection
    people: People
    links: int
    seconds: float
    settle: Callable[[House], Awaitable[None]]
    say: Callable[[str], None]

    async def measured(self) -> GraphMeasured | None:
        """None where there is no Neo4j."""
        jars = library()
        if jars is None:
            self.say(NO_NEO4J)
            return None
        results = GraphMeasured(self.links * 3 // 10, self.links, backlog=self.links * 15 // 100)
        await self.database.execute("SELECT set_config('app.actor', $1, false)", SYSTEM_ACTOR)
        filled = await self._without(results)
        async with AsyncExitStack() as stack:
            neo4j = Neo4jServer(self.servers.data, jars, free_port())
            await neo4j.start()
            stack.push_async_callback(neo4j.stop, 30)
            role = background_role("graph")
            url = as_role(self.servers.postgres_url, role, self.servers.credentials.postgres[role])
            background = Database(url, "graph", connections=2)
            await background.open()
            stack.push_async_callback(background.close)
            driver, source = Neo4j(neo4j.url, USER, neo4j.password), MirrorSource(background)
            stack.push_async_callback(driver.close)
            await self._with(neo4j, Mirror(driver, source, await source.mirror_id()), source, filled, results)
        return results

    async def _without(self, results: GraphMeasured) -> Filled:
        """What PostgreSQL alone does."""
        async with running_house(self.servers, USUAL) as house:
            await self.settle(house)
            self.say(f"{results.artifacts:,} artifacts, {results.links:,} links")
            filled = await fill(self.database, house.url, self.people.all[0], results.artifacts, results.links)
            results.links = filled.links
            await self._walked(house, filled, results)
        return filled

    async def _with(self, neo4j: Neo4jServer, mirror: Mirror, source: MirrorSource, filled: Filled, results: GraphMeasured) -> None:
        for most in (filled.links // WARM_UP, None):
            self.say("links by a bare script" if most is None else "Neo4j warms up")
            results.bare_per_second = await scenarios.bare(mirror, source, most)
            await mirror.begin_anew()
            await mirror.wipe()
        settings = {"ATRIUM_NEO4J_URL": neo4j.url, "ATRIUM_NEO4J_USER": USER, "ATRIUM_NEO4J_PASSWORD": neo4j.password}
        self.say("a rebuild")
        async with running_house(self.servers, USUAL, settings) as house:
            results.rebuilt_per_second = await scenarios.rebuilt(mirror, source, filled.links)
            await self.settle(house)
            await self._walked(house, filled, results)
            self.say("the lag of the mirror")
            results.lag_p50_ms, results.lag_p99_ms = await scenarios.lag(self.servers.postgres_url, mirror, filled, self.seconds)
            self.say(f"a backlog of {results.backlog:,} events")
            credentials = self.servers.credentials
            nats = await connect(self.servers.nats_url, OPERATOR, credentials.nats[OPERATOR], name="bench")
            person, thread = self.people.all[0], self.people.threads[0]
            results.backlog_per_second = await scenarios.backlog(self.database, nats.jetstream(), person, thread, results.backlog)
            await close(nats)
            self.say("a reconciliation")
            results.reconciled_seconds, results.differences = await scenarios.reconciled(mirror, source)

    async def _walked(self, house: House, filled: Filled, results: GraphMeasured) -> None:
        roots = filled.busy[:: max(1, len(filled.busy) // scenarios.ASKED)][: scenarios.ASKED]
        for depth in scenarios.DEPTHS:
            self.say(f"what is related, depth {depth}")
            for _ in range(_BEFORE):
                await scenarios.walked(house.url, self.people.all[0], roots, depth)
            results.walked.append(await scenarios.walked(house.url, self.people.all[0], roots, depth))
