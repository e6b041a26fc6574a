"""What is asked often is answered from its index, however many links there are."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest_asyncio
from pydantic_core import from_json

from services.graph.hops import Direction
from services.graph.repository import artifacts, endings, links, mirror, overview
from services.graph.repository.derived import MEANT_BY_MESSAGES, MEANT_IN_THREADS, MEANT_TASKS
from services.graph.repository.hops import HOP
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType
from shared.credentials import background_role, database_role
from shared.database.connections import Connection, Database, as_role
from shared.identifiers import LAST_ID, new_id
from tests.servers import Servers
from tests.service.graph.conftest import Service

MANY, OTHERS = 20_000, 500

# A task in 20 projects; each is linked to the next, and one in nine is unlinked again. All are in the mirror but the last hundred.
_FILL = """
    WITH made AS (
        INSERT INTO graph.artifacts (id, type, workspace_id, project_id, title, number, version, created_at, position)
        SELECT uuidv7(), 'TASK', $1, ($2::uuid[])[1 + number % 20], 'Task', number, 1, now(),
            CASE WHEN number < $3 - 100 THEN nextval('graph.positions') END
        FROM generate_series(1, $3::int) AS number RETURNING id, project_id, number)
    INSERT INTO graph.artifact_links (id, workspace_id, project_id, source_type, source_id, target_type, target_id, type, created_by,
        deleted_at, position)
    SELECT uuidv7(), $1, project_id, 'TASK', id, 'TASK', lead(id, 1, uuidv7()) OVER (ORDER BY number), 'LINKED_TO', uuidv7(),
        CASE WHEN number % 9 = 0 THEN now() END, CASE WHEN number < $3 - 100 THEN nextval('graph.positions') END
    FROM made"""

# Many workspaces beside it: a plan that takes what is in a project and what is in a workspace for two chances expects nearly nothing.
_OTHERS = """
    INSERT INTO graph.artifact_links (id, workspace_id, project_id, thread_id, source_type, source_id, target_type, target_id, type,
        created_by, position)
    SELECT uuidv7(), one.workspace_id, CASE WHEN number % 2 = 0 THEN one.place_id END, CASE WHEN number % 2 = 1 THEN one.place_id END,
        'TASK', uuidv7(), 'TASK', uuidv7(), 'LINKED_TO', uuidv7(), nextval('graph.positions')
    FROM (SELECT uuidv7() AS workspace_id, uuidv7() AS place_id FROM generate_series(1, $1::int)) AS one
    CROSS JOIN generate_series(1, 10) AS number"""

_MENTION = """
    INSERT INTO graph.task_mentions (message_id, number, workspace_id, thread_id, author_id)
    SELECT uuidv7(), 1 + number % 100, $1, ($2::uuid[])[1 + number % 20], uuidv7() FROM generate_series(1, $3::int) AS number"""

type Plan = dict[str, Any]


class Crowd:
    workspace, projects, threads = new_id(), [new_id() for _ in range(20)], [new_id() for _ in range(20)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(graph: Service) -> Crowd:
    for table in ("artifacts", "artifact_links"):  # of other tests: what waits for its place here is the crowd's alone
        await graph.database.execute(f"UPDATE graph.{table} SET position = nextval('graph.positions') WHERE position IS NULL")
    await graph.database.execute(_OTHERS, OTHERS)
    await graph.database.execute(_FILL, Crowd.workspace, Crowd.projects, MANY)
    await graph.database.execute(_MENTION, Crowd.workspace, Crowd.threads, MANY)
    await graph.database.executemany(
        "INSERT INTO graph.project_threads (thread_id, project_id, workspace_id) VALUES ($1, $2, $3)",
        [(thread, project, Crowd.workspace) for thread, project in zip(Crowd.threads, Crowd.projects, strict=True)],
    )
    await graph.database.execute("VACUUM (ANALYZE) graph.artifacts, graph.artifact_links, graph.task_mentions, graph.project_threads")
    return Crowd()


async def as_the(role: str, servers: Servers) -> AsyncIterator[Database]:
    database = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "graph", connections=1)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(servers: Servers) -> AsyncIterator[Database]:
    """As the service's own role."""
    async for database in as_the(database_role("graph"), servers):
        yield database


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def behind(servers: Servers) -> AsyncIterator[Database]:
    """As its background work."""
    async for database in as_the(background_role("graph"), servers):
        yield database


async def plan(connection: Connection, query: str, *arguments: object) -> Plan:
    text: str = await connection.fetchval(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF, FORMAT JSON) {query}", *arguments)
    found: Plan = from_json(text)[0]["Plan"]
    return found


def scans(node: Plan) -> Iterator[Plan]:
    if node.get("Relation Name") in ("artifacts", "artifact_links", "task_mentions", "project_threads"):
        yield node
    for inner in node.get("Plans", ()):
        yield from scans(inner)


def check(found: Plan, most: int) -> None:
    """Everything by an index, and no more looked at than that."""
    read = list(scans(found))
    assert read
    assert [node["Node Type"] for node in read if node["Node Type"] == "Seq Scan"] == []
    looked = sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in read)
    assert looked <= most, looked


async def test_a_hop_reads_the_links_of_what_it_starts_from(crowd: Crowd, own: Database, graph: Service) -> None:
    near = [
        row["id"] for row in await graph.database.fetch("SELECT id FROM graph.artifacts WHERE workspace_id = $1 LIMIT 50", crowd.workspace)
    ]
    async with own.reading(crowd.workspace) as connection:
        for statement in HOP.values():
            check(await plan(connection, statement, near, [LinkType.LINKED_TO], 100), 200)
        assert Direction.BOTH in HOP


async def test_a_page_of_links_reads_no_other(crowd: Crowd, own: Database) -> None:
    async with own.reading(crowd.workspace) as connection:
        check(await plan(connection, links.OF_PROJECT, crowd.projects[0], LAST_ID, 50), 120)
        check(await plan(connection, links.OF_THREAD, crowd.threads[0], LAST_ID, 50), 10)
        check(await plan(connection, links.SAME, new_id(), new_id(), crowd.projects[0]), 5)


async def test_a_projects_graph_reads_no_other_project(crowd: Crowd, own: Database) -> None:
    async with own.reading(crowd.workspace) as connection:
        check(await plan(connection, overview.OF_PROJECT, crowd.projects[0], 500), 600)
        check(await plan(connection, overview.THREADS_OF_PROJECT, crowd.projects[0]), 5)
        near = [row["id"] for row in await connection.fetch(overview.OF_PROJECT, crowd.projects[0], 50)]
        check(await plan(connection, overview.LINKS_AT, near, 101, 10_001), 300)


async def test_orphans_are_looked_for_from_the_newest_on(crowd: Crowd, own: Database) -> None:
    async with own.reading(crowd.workspace) as connection:
        check(await plan(connection, overview.ORPHANS, crowd.workspace, LAST_ID, [*ArtifactType], overview.LOOKED_AT), 6_000)


async def test_what_numbers_mean_is_looked_up(crowd: Crowd, behind: Database, graph: Service) -> None:
    message = await graph.database.fetchval("SELECT message_id FROM graph.task_mentions WHERE workspace_id = $1 LIMIT 1", crowd.workspace)
    task = await graph.database.fetchval("SELECT id FROM graph.artifacts WHERE number = 21 AND workspace_id = $1", crowd.workspace)
    async with behind.connection() as connection:
        check(await plan(connection, MEANT_BY_MESSAGES, [message]), 20)
        check(await plan(connection, MEANT_TASKS, [task]), 200)
        check(await plan(connection, MEANT_IN_THREADS, [new_id()]), 20)


async def test_what_goes_with_a_project_is_looked_up(crowd: Crowd, behind: Database) -> None:
    async with behind.connection() as connection:
        check(await plan(connection, artifacts.END_TOLD, [new_id() for _ in range(100)], crowd.threads), 150)
        check(await plan(connection, artifacts.END_SAID, crowd.threads[0], 2_000), 5)
        check(await plan(connection, endings.NEXT), 5)


async def test_the_mirrors_window_reads_what_it_holds(crowd: Crowd, behind: Database) -> None:
    async with behind.connection() as connection:
        head = await connection.fetchval("SELECT max(position) FROM artifact_links WHERE position IS NOT NULL")
        check(await plan(connection, mirror.WINDOW, head - 10_000, head, 100), 250)
        check(await plan(connection, mirror.ARTIFACTS_BETWEEN, head - 30_000, head - 29_900), 150)
        check(await plan(connection, mirror.LINKS_BETWEEN, head - 10_000, head - 9_900), 400)
        check(await plan(connection, mirror.LINKS_BY_ID, new_id(), 100), 400)


async def test_how_far_the_mirror_is_behind_is_counted_by_what_it_lacks(crowd: Crowd, behind: Database) -> None:
    async with behind.connection() as connection:
        check(await plan(connection, mirror.HEAD), 2)
        head = await connection.fetchval(mirror.HEAD)
        check(await plan(connection, mirror.STATE, head - 50, 10_000), 700)
        check(await plan(connection, mirror.STATE, 0, 100), 1_000)


async def test_what_changed_is_given_its_place_without_a_look_at_the_rest(crowd: Crowd, behind: Database) -> None:
    async with behind.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        for statement in (mirror.PLACE_ARTIFACTS, mirror.PLACE_LINKS):
            check(await plan(connection, statement, mirror.AT_ONCE), 400)
            check(await plan(connection, statement, mirror.AT_ONCE), 0)
        await transaction.rollback()


async def test_a_bucket_is_summed_up_by_its_own_rows(crowd: Crowd, behind: Database) -> None:
    async with behind.connection() as connection:
        middle = await connection.fetchval("SELECT id FROM artifacts ORDER BY id OFFSET 10000 LIMIT 1")
        check(await plan(connection, mirror.ARTIFACTS_BY_ID, middle, 100), 100)
        check(await plan(connection, mirror.SUM_ARTIFACTS, middle, 100), 200)
        check(await plan(connection, mirror.SUM_LINKS, middle, 100), 400)


async def test_what_a_read_lays_over_the_mirror_is_what_it_lacks(crowd: Crowd, own: Database, graph: Service) -> None:
    head = await graph.database.fetchval("SELECT max(position) FROM graph.artifact_links")
    near = await graph.database.fetch("SELECT source_id FROM graph.artifact_links WHERE workspace_id = $1 LIMIT 50", crowd.workspace)
    async with own.reading(crowd.workspace) as connection:
        check(await plan(connection, mirror.PENDING, head - 200, [row["source_id"] for row in near], 4_000), 350)
