"""What must be reached, and what it comes from. The figures named are those of `docs/architecture.md`, measured on 2 cores."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from tests.bench.files.measures import FilesMeasured
from tests.bench.graph.measures import GraphMeasured
from tests.bench.measures import Measured, Results, percentile
from tests.bench.realtime.measures import RealtimeMeasured

CLIENTS = 64
"""In flight, where posts are held to their floors: as many as pgbench has."""


@dataclass(frozen=True)
class Floor:
    """A limit. `at_least`: less is a miss; else more is."""

    name: str
    limit: float
    unit: str
    at_least: bool
    source: str
    aim: float | None = None

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


POSTS = Floor("rate", 3_000, "/s", True, "well above Tinode's 1,650/s; a prototype with all checks made 4,200/s", aim=4_500)
OF_PGBENCH = Floor("of pgbench", 0.15, "×", True, "3,000/s where pgbench made 20,200/s: it holds on a machine of any speed")
POST_P99 = Floor("p99", 60, "ms", False, "three times the 21 ms that 64 in flight wait at 3,000/s")
PAGES = Floor("rate", 2_500, "/s", True, "half of the 4,800/s at which PostgreSQL writes their JSON: as much again for the way")
POLLS = Floor(
    "of pages", 1, "×", True, "a look at an index costs less than 50 messages of JSON; who asks, and what they may, costs the same"
)
RELAY_P99 = Floor("p99", 250, "ms", False, "the poll that is the relay's net runs every 200 ms")
RELAY_EMPTY = Floor("outbox empty", 2, "s", False, "atomic batches publish 43,800/s: what waits is never many")
SCANS = {
    "scans, 5 MB": Floor("of clamd alone", 0.8, "×", True, "the same bytes handed to clamd by as many connections"),
    "scans, 50 KB": Floor("of clamd alone", 0.25, "×", True, "a scan so short that leases and verdicts are most of it"),
}
UPLOADS = Floor("of the disk alone", 0.5, "×", True, "the same bytes hashed and on the same disk, by a bare script")
DOWNLOADS = Floor("of uvicorn alone", 0.5, "×", True, "uvicorn that serves the same file statically")
CLEAN_P95 = Floor("p95", 500, "ms", False, "whoever sends a file of 1 MB does not wait for its scan")
MEMORY = Floor("memory grows", 64, "MB", False, "what passes is never held, however many come at once")
BOARD_P95 = Floor("p95", 50, "ms", False, "whoever opens a board of 1,000 tasks does not wait for it")
MOVES = Floor("rate", 500, "/s", True, "64 people who drag on one board, each of whose changes waits for the one before it")
TASKS_LOST = Floor("tasks lost or doubled", 0, "", False, "whoever moves what at once, a board has every task once")
REBUILD = Floor("rate", 8_000, "links/s", True, "UNWIND in batches of 1,000 made 9,600/s cold and 25,800/s warm", aim=20_000)
OF_BARE = Floor("of a bare script", 0.8, "×", True, "the same UNWIND batches into the same Neo4j, and nothing else")
MIRROR_LAG = Floor("p99", 1_000, "ms", False, "500 links a second, from the commit until Neo4j has them")
RELATED_P95 = Floor("p95", 50, "ms", False, "whoever asks what hangs together with a task of 30 links, two links far, does not wait for it")
DIFFERENCES = Floor("differences", 0, "", False, "after a rebuild, links and a backlog, Neo4j has what PostgreSQL has")
TOLD_P95 = Floor("p95", 50, "ms", False, "from the request: a conversation of a thousand feels like one of two", aim=25)
DELIVERIES = Floor("rate", 100_000, "/s", True, "Centrifugo (Go) made 176,000 to 216,000/s", aim=200_000)
SOCKET_MEMORY = Floor("memory a socket", 40, "KB", False, "100,000 sockets of a gateway of 4 GB")
IDLE_CORE = Floor("of a core", 0.05, "", False, "whoever is told nothing costs nothing but a ping now and then")
RESUMED = Floor("all are back", 10, "s", False, "a gateway that was restarted, and all of its clients at once")
LIVE_P99 = Floor("p99 of others", 250, "ms", False, "whoever is there does not wait for those who come back")
REFUSED = Floor("unexpected answers", 0, "", False, "no limit is reached and nothing is down: every answer is the one asked for")
LOST = Floor("acknowledged and lost", 0, "", False, "an acknowledged message is in the database")


@dataclass(frozen=True)
class Check:
    """A floor held against a figure."""

    floor: Floor
    scenario: str
    value: float

    @property
    def met(self) -> bool:
        return self.floor.is_met(self.value)


def checks(results: Results) -> list[Check]:
    """Every floor against every figure that it is for. The layouts are compared with each other, not held to floors."""
    found = [check for posts in results.posts if posts.in_flight == CLIENTS for check in _of_posts(posts)]
    found += [Check(PAGES, pages.scenario, pages.per_second) for pages in results.pages]
    found += [Check(POLLS, polled.polls.scenario, polled.of_pages) for polled in results.polls]
    for relay in results.relay:
        found += [Check(RELAY_P99, relay.scenario, relay.p99_ms), Check(RELAY_EMPTY, relay.scenario, relay.emptied_seconds)]
    found += [Check(BOARD_P95, board.scenario, board.p95_ms) for board in results.boards if board.in_flight == 1]
    for moves in results.moves:
        found += [Check(MOVES, moves.scenario, moves.per_second), Check(TASKS_LOST, moves.scenario, results.tasks_lost)]
    if results.files is not None:
        found += _of_files(results.files)
    if results.graph is not None:
        found += _of_graph(results.graph)
    if results.realtime is not None:
        found += _of_realtime(results.realtime)
    unexpected = [load.unexpected for load in results.loads] + [part.unexpected for part in (results.files, results.realtime) if part]
    found.append(Check(REFUSED, "all", sum(sum(answers.values()) for answers in unexpected)))
    return [*found, Check(LOST, "all", results.lost)]


def _of_realtime(realtime: RealtimeMeasured) -> Iterator[Check]:
    yield Check(TOLD_P95, "one post to all", percentile(realtime.told_ms, 0.95))
    if realtime.fanned is not None:
        yield Check(DELIVERIES, "burst", realtime.fanned.per_second)
    if realtime.idle is not None:
        yield Check(SOCKET_MEMORY, "idle sockets", realtime.idle.kilobytes)
        yield Check(IDLE_CORE, "idle sockets", realtime.idle.core)
    if realtime.resumed:
        yield Check(RESUMED, "all come back at once", median(one.seconds for one in realtime.resumed))
        yield Check(LIVE_P99, "all come back at once", median(percentile(one.live_ms, 0.99) for one in realtime.resumed))


def _of_graph(graph: GraphMeasured) -> Iterator[Check]:
    yield Check(REBUILD, "rebuild of the mirror", graph.rebuilt_per_second)
    yield Check(OF_BARE, "rebuild of the mirror", graph.rebuilt_per_second / graph.bare_per_second)
    yield Check(MIRROR_LAG, "lag of the mirror", graph.lag_p99_ms)
    yield from (Check(RELATED_P95, "related, depth 2", one.p95_ms) for one in graph.walked if (one.depth, one.engine) == (2, "neo4j"))
    yield Check(DIFFERENCES, "reconciliation", graph.differences)


def _of_files(files: FilesMeasured) -> Iterator[Check]:
    floors = {**SCANS, "uploads, 5 MB": UPLOADS, "uploads, 50 MB": UPLOADS, "downloads, 5 MB": DOWNLOADS}
    for compared in files.compared:
        if floor := floors.get(compared.scenario):
            yield Check(floor, compared.scenario, compared.ratio)
    if files.clean_ms:
        yield Check(CLEAN_P95, "201 to clean, 1 MB", percentile(sorted(files.clean_ms), 0.95))
    for grown in files.grown:
        yield Check(MEMORY, f"20 × 50 MB, {grown.process}", grown.megabytes)


def _of_posts(posts: Measured) -> Iterator[Check]:
    yield Check(POSTS, posts.scenario, posts.per_second)
    if posts.of_pgbench is not None:
        yield Check(OF_PGBENCH, posts.scenario, posts.of_pgbench)
    yield Check(POST_P99, posts.scenario, posts.p99_ms)
