"""`python -m tests.bench.graph`: a mirror made anew, how far it lags, and what is related, by Neo4j and by PostgreSQL."""

import asyncio
import statistics
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import UUID

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from services.graph.engines import Engines
from services.graph.handlers.reads import get_related
from services.graph.main import NOBODY_ASKED, GraphApplication
from services.graph.mirror.connection import Neo4j
from services.graph.mirror.entities import steps
from services.graph.mirror.mirror import Mirror
from services.graph.owners import Owners as Asked
from services.graph.repository.hops import SqlHops
from services.graph.repository.links import Links
from services.graph.repository.mirror import MirrorSource
from services.graph.repository.overview import Overview
from services.graph.service import Service
from services.graph.settings import GraphSettings
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.reads import GET_RELATED, GetRelated
from shared.contracts.principal import Principal
from shared.credentials import background_role, database_role
from shared.database.connections import Database, as_role
from shared.embedded.neo4j import USER, Neo4jServer
from shared.messaging.caller import Caller
from shared.messaging.local import Process
from tests.bench.graph.filling import fill
from tests.neo4j import server
from tests.servers import Servers, running_servers
from tests.service.graph.owners import Owners
from tests.service.neighbours import principal

BARE_BATCH = 1_000
FLOOR_LINKS, FLOOR_OF_BARE, FLOOR_LAG, FLOOR_RELATED = 8_000.0, 0.8, 1.0, 0.050


@dataclass
class Graph:
    """All that is measured, as it runs."""

    servers: Servers
    neo4j: Neo4jServer
    application: GraphApplication
    gateway: Caller
    owners: Owners
    database: "asyncpg.Connection[asyncpg.Record]"
    source: MirrorSource
    mirror: Mirror
    caller: Principal
    projects: list[UUID]


def bench(
    artifacts: Annotated[int, typer.Option(min=1_000)] = 300_000,
    links: Annotated[int, typer.Option(min=1_000)] = 1_000_000,
    seconds: Annotated[float, typer.Option(min=1, help="Of links that are made while the lag is measured.")] = 20,
) -> None:
    """Measure the graph. Ends with 1 where a floor is missed.

    Example: python -m tests.bench.graph --artifacts 30000 --links 100000
    """
    if not asyncio.run(_measured(artifacts, links, seconds, Console(highlight=False))):
        raise typer.Exit(1)


async def _measured(artifacts: int, links: int, seconds: float, console: Console) -> bool:
    table = Table("what", "reached", "floor", box=None)
    with TemporaryDirectory(prefix="atrium-neo4j-") as folder:
        async with running_servers() as servers:
            neo4j = server(Path(folder))
            await neo4j.start()
            try:
                graph = await _graph(servers, neo4j, artifacts, links, console)
                bare, own = await _rebuilt(graph, console)
                table.add_row("rebuild, bare script", f"{bare:,.0f} links/s", "")
                table.add_row("rebuild", f"{own:,.0f} links/s", f"{max(FLOOR_LINKS, FLOOR_OF_BARE * bare):,.0f}")
                lag = await _lag(graph, seconds, console)
                table.add_row("lag at 500 links/s, p99", f"{lag:.3f} s", f"{FLOOR_LAG:g} s")
                near = 0.0
                for depth in range(1, 5):
                    mirrored, sql = await _related(graph, depth)
                    near = mirrored if depth == 2 else near
                    floor = f"{FLOOR_RELATED * 1_000:.0f} ms" if depth == 2 else ""
                    table.add_row(f"related, depth {depth}, p95: Neo4j / SQL", f"{mirrored * 1_000:.1f} / {sql * 1_000:.1f} ms", floor)
                console.print(table)
                await graph.application.stop()
            finally:
                await neo4j.stop(within=30)
    return own >= max(FLOOR_LINKS, FLOOR_OF_BARE * bare) and lag < FLOOR_LAG and near <= FLOOR_RELATED


async def _graph(servers: Servers, neo4j: Neo4jServer, artifacts: int, links: int, console: Console) -> Graph:
    caller, process = principal(), Process()
    database = await asyncpg.connect(servers.postgres_url, server_settings=NOBODY_ASKED, command_timeout=900)
    console.print(f"{artifacts:,} artifacts and {links:,} links")
    projects = await fill(database, caller.workspace_id, artifacts, links)
    owners = Owners(process)
    for row in await database.fetch("SELECT id, type, project_id, title FROM graph.artifacts"):
        owners.things[row["id"]] = Artifact.model_construct(
            **{**row, "type": ArtifactType(row["type"])},
            workspace_id=caller.workspace_id,
            thread_id=None,
            number=None,
            deleted=False,
            version=1,
        )
    role = background_role("graph")
    background = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "graph", connections=2)
    await background.open()
    source = MirrorSource(background)
    mirror = Mirror(Neo4j(neo4j.url, USER, neo4j.password), source, await source.mirror_id())
    where = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url}
    mirrored = {"neo4j_url": neo4j.url, "neo4j_password": neo4j.password}
    application = GraphApplication(GraphSettings.model_validate(where | mirrored), process=process)
    gateway = Caller("gateway", process)
    await gateway.open(servers.nats_url, servers.credentials.nats["gateway"])
    return Graph(servers, neo4j, application, gateway, owners, database, source, mirror, caller, projects)


async def _rebuilt(graph: Graph, console: Console) -> tuple[float, float]:
    """Links a second: by a script that does nothing but `UNWIND` the same, and by the service."""
    console.print("a bare script")
    await graph.mirror.prepare()
    head = await graph.source.head()
    window = await graph.source.window(0, head, 10_000_000)
    count = sum(1 for one in window.entities if not hasattr(one, "title"))
    nodes = [one for one in window.entities if hasattr(one, "title")]
    edges = [one for one in window.entities if not hasattr(one, "title")]
    started = time.perf_counter()
    for start in range(0, len(nodes), BARE_BATCH):
        await graph.mirror.neo4j.write(steps(nodes[start : start + BARE_BATCH]))
    for start in range(0, len(edges), BARE_BATCH):
        await graph.mirror.neo4j.write(steps(edges[start : start + BARE_BATCH]))
    bare = count / (time.perf_counter() - started)
    await graph.mirror.begin_anew()
    await graph.mirror.wipe()
    console.print("a rebuild")
    started = time.perf_counter()
    await graph.application.start()
    while (await graph.mirror.standing()).position < head:
        await asyncio.sleep(0.1)
    return bare, count / (time.perf_counter() - started)


async def _lag(graph: Graph, seconds: float, console: Console) -> float:
    """Of links that come 50 at a time, ten times a second: until the mirror is where they are."""
    console.print("the lag")
    lags = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        started = time.monotonic()
        await graph.database.execute(
            """INSERT INTO graph.artifact_links (
                id, workspace_id, project_id, source_type, source_id, target_type, target_id, type, created_by)
            SELECT uuidv7(), workspace_id, project_id, type, id, type, uuidv7(), 'LINKED_TO', workspace_id
            FROM graph.artifacts WHERE project_id = $1 LIMIT 50""",
            graph.projects[0],
        )
        while await graph.database.fetchval("SELECT EXISTS (SELECT FROM graph.artifact_links WHERE position IS NULL)"):
            await asyncio.sleep(0.005)
        head = await graph.source.head()
        while (await graph.mirror.standing()).position < head:
            await asyncio.sleep(0.005)
        lags.append(time.monotonic() - started)
        await asyncio.sleep(max(0.0, 0.1 - (time.monotonic() - started)))
    return _percentile(lags, 99)


async def _related(graph: Graph, depth: int) -> tuple[float, float]:
    """Seconds, by the mirror and by PostgreSQL alone, in turn."""
    role = database_role("graph")
    credentials = graph.servers.credentials
    database = Database(as_role(graph.servers.postgres_url, role, credentials.postgres[role]), "graph", connections=4)
    await database.open()
    owners = Asked(graph.application.caller)
    alone = Service(owners, Links(database, lambda: None), Overview(database), Engines(owners, SqlHops(database), None))
    roots = [one for one in list(graph.owners.things.values())[:: max(1, len(graph.owners.things) // 60)] if one.type is ArtifactType.TASK]
    mirrored, sql = [], []
    for root in roots:
        request = GetRelated(type=root.type, id=root.id, depth=depth, limit=1_000)
        mirrored.append(await _timed(graph.gateway(GET_RELATED, request, graph.caller)))
        sql.append(await _timed(get_related(request, graph.caller, alone)))
    await database.close()
    return _percentile(mirrored, 95), _percentile(sql, 95)


async def _timed(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    typer.run(bench)
