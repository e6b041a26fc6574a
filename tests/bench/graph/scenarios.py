"""What is measured of the graph, one function a scenario."""

import asyncio
import time
from collections.abc import Sequence
from random import Random
from statistics import median
from uuid import UUID

import asyncpg
import httpx2
from nats.js import JetStreamContext

from services.graph.mirror.entities import MirroredLink
from services.graph.mirror.mirror import Mirror
from services.graph.mirror.reconciliation import Differences, Reconciliation
from services.graph.mirror.worker import WINDOW
from services.graph.mirror.writing import write
from services.graph.repository.mirror import MirrorSource
from shared.contracts.subscriptions import GRAPH_ARTIFACTS
from shared.identifiers import new_id
from shared.messaging.streams import EVENTS
from tests.bench.graph.filling import Filled
from tests.bench.graph.measures import Walked
from tests.bench.history import Connection
from tests.bench.measures import percentile
from tests.bench.people import Person
from tests.service.graph.replies import many_replies

LINKS_AT_ONCE, TICK = 50, 0.1
"""500 links a second."""
DEPTHS = (1, 2, 3, 4)
ASKED = 100
_LOOKED_EVERY = 0.05
_SELDOM = 0.5
"""Of a rebuild of some hundred seconds: looked at more often, Neo4j has less time for links."""

_SOME_LINKS = """
    INSERT INTO graph.artifact_links (id, workspace_id, project_id, source_type, source_id, target_type, target_id, type, created_by)
    SELECT uuidv7(), a.workspace_id, a.project_id, a.type, a.id, b.type, b.id, 'LINKED_TO', a.workspace_id
    FROM unnest($1::uuid[], $2::uuid[]) AS pair (source, target)
    JOIN graph.artifacts a ON a.id = pair.source JOIN graph.artifacts b ON b.id = pair.target
    ON CONFLICT DO NOTHING RETURNING id"""
_PLACED = "SELECT CASE WHEN bool_and(position IS NOT NULL) THEN max(position) END FROM graph.artifact_links WHERE id = ANY($1)"


async def bare(mirror: Mirror, source: MirrorSource, most: int | None = None) -> float:
    """Links a second, by nothing but the batches: what is read from PostgreSQL is not counted."""
    await mirror.prepare()
    head, position, links, seconds = await source.head(), 0, 0, 0.0
    while position < head and (most is None or links < most):
        window = await source.window(position, head, WINDOW)
        begin = time.perf_counter()
        await write(mirror.neo4j, window.entities)
        seconds += time.perf_counter() - begin
        links += sum(isinstance(one, MirroredLink) for one in window.entities)
        position = window.until
    return links / seconds


async def rebuilt(mirror: Mirror, source: MirrorSource, links: int) -> float:
    """Links a second, by the service, from its first batch on."""
    head = await source.head()
    while (await mirror.standing()).position == 0:
        await asyncio.sleep(_LOOKED_EVERY)
    begin = time.perf_counter()
    while (await mirror.standing()).position < head:
        await asyncio.sleep(_SELDOM)
    return links / (time.perf_counter() - begin)


async def lag(url: str, mirror: Mirror, filled: Filled, seconds: float) -> tuple[float, float]:
    """Milliseconds, the median and p99: from a link's commit until it is in the mirror."""
    lags, made = list[float](), asyncio.Queue[tuple[float, list[UUID]] | None]()
    async with asyncpg.create_pool(url, min_size=2, max_size=2, server_settings={"app.actor": str(new_id())}) as pool:

        async def watch() -> None:
            while (tick := await made.get()) is not None:
                committed, ids = tick
                while (position := await pool.fetchval(_PLACED, ids)) is None or (await mirror.standing()).position < position:
                    await asyncio.sleep(0.001)
                lags.append((time.perf_counter() - committed) * 1_000)

        watching = asyncio.create_task(watch())
        things, chance = next(iter(filled.things.values())), Random(1)
        begin = time.perf_counter()
        for number in range(int(seconds / TICK)):
            await asyncio.sleep(max(0.0, begin + number * TICK - time.perf_counter()))
            some = chance.sample(things, LINKS_AT_ONCE * 2)
            ids = [row["id"] for row in await pool.fetch(_SOME_LINKS, some[::2], some[1::2])]
            if ids:
                made.put_nowait((time.perf_counter(), ids))
        made.put_nowait(None)
        await watching
    ordered = sorted(lags)
    return percentile(ordered, 0.5), percentile(ordered, 0.99)


async def walked(url: str, person: Person, roots: Sequence[UUID], depth: int) -> Walked:
    """By one client, who hears who found it."""
    taken, things, engines = list[float](), list[int](), set[str]()
    headers = {"Authorization": f"Bearer {person.access_token}"}
    async with httpx2.AsyncClient(base_url=url, timeout=30, headers=headers) as client:
        for root in roots:
            begin = time.perf_counter()
            answer = await client.get(f"/api/graph/task/{root}/related", params={"depth": depth, "limit": 1_000})
            taken.append((time.perf_counter() - begin) * 1_000)
            if answer.status_code != 200:
                raise RuntimeError(f"what is related was answered with {answer.status_code}: {answer.text}")
            things.append(len(answer.json()["related"]))
            engines.add(answer.headers["x-atrium-graph"])
    ordered = sorted(taken)
    return Walked(depth, "+".join(sorted(engines)), percentile(ordered, 0.5), percentile(ordered, 0.95), int(median(things)))


async def backlog(database: Connection, jetstream: JetStreamContext, person: Person, thread: UUID, events: int) -> float:
    """Events a second that the graph learns of, of many that come at once: replies in one thread."""
    first, begin = new_id(), time.perf_counter()
    await many_replies(database, person.workspace_id, thread, first, events)
    while await database.fetchval("SELECT count(*) FROM graph.artifact_links WHERE target_id = $1", first) < events:
        await asyncio.sleep(_LOOKED_EVERY * 10)
    while (info := await jetstream.consumer_info(EVENTS, GRAPH_ARTIFACTS.consumer)).num_pending or info.num_ack_pending:
        await asyncio.sleep(_LOOKED_EVERY)
    return events / (time.perf_counter() - begin)


async def reconciled(mirror: Mirror, source: MirrorSource) -> tuple[float, int]:
    """Seconds, and differences, once the mirror has everything."""
    while (await source.backlog((await mirror.standing()).position, 1)).behind:
        await asyncio.sleep(_LOOKED_EVERY * 10)
    found, begin = Differences(), time.perf_counter()
    async for _ in Reconciliation(mirror, source).find(found):
        pass
    return time.perf_counter() - begin, found.count
