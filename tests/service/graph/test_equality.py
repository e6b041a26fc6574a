"""Neo4j, PostgreSQL and a simple model give the same answers, whatever happens: nobody is shown what the model hides.

`make fuzz` tells longer stories; the same number makes the same ones.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from services.graph.engines import Engines
from services.graph.mirror.mirror import Mirror
from services.graph.owners import Owners as Asked
from services.graph.repository.hops import SqlHops
from services.graph.repository.links import Links
from services.graph.repository.overview import Overview
from services.graph.service import Service as Handled
from shared.contracts.graph.reads import Engine
from shared.credentials import database_role
from shared.database.connections import Database, as_role
from shared.messaging.caller import Caller
from tests.servers import Servers
from tests.service.graph.conftest import Service
from tests.service.graph.mirrored import caught_up, differences
from tests.service.graph.story import Story

CASES = int(os.environ.get("FUZZ_CASES", "800"))
STORIES, STEPS = max(1, CASES // 100), 50
SECONDS = 60
"""That a story may take at most."""
NEAR = 0.3
"""Of all answers, Neo4j's share at least: else it would be PostgreSQL that is compared with itself."""

pytestmark = pytest.mark.timeout(300 + SECONDS * STORIES)


@pytest.fixture(scope="module")
def has_mirror() -> bool:
    return True


@pytest_asyncio.fixture(loop_scope="session")
async def by_sql(graph: Service, servers: Servers) -> AsyncIterator[Handled]:
    """The same walk, over PostgreSQL alone."""
    role = database_role("graph")
    database = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "graph", connections=2)
    await database.open()
    caller = Caller("graph", graph.owners.process)
    await caller.open(servers.nats_url, servers.credentials.nats["graph"])
    owners = Asked(caller)
    yield Handled(owners, Links(database, lambda: None), Overview(database), Engines(owners, SqlHops(database), None))
    await caller.close()
    await database.close()


async def test_both_ways_and_the_model_agree(graph: Service, mirror: Mirror, by_sql: Handled) -> None:
    answered = Counter[Engine]()
    there = {"graph": graph, "mirror": mirror, "by_sql": by_sql, "answered": answered, "loop": asyncio.get_running_loop()}
    stories = settings(
        max_examples=STORIES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, type("Story", (Story,), there), settings=stories)
    await caught_up(graph, mirror)
    assert (await differences(graph, mirror)).count == 0
    assert answered[Engine.NEO4J] > NEAR * answered.total(), answered
