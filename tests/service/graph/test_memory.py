"""A Neo4j that has little memory for a transaction gets smaller ones."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from services.graph.engines import MirrorIsAway
from services.graph.mirror.connection import BatchIsTooLarge, Neo4j
from services.graph.mirror.entities import MirroredArtifact
from services.graph.mirror.mirror import Mirror
from services.graph.mirror.writing import write
from services.graph.repository.mirror import MirrorSource
from shared.contracts.artifacts import ArtifactType
from shared.embedded.neo4j import USER
from shared.identifiers import new_id
from tests.neo4j import Neo4jOfTests
from tests.service.graph.conftest import Service

pytestmark = pytest.mark.timeout(300)


@pytest_asyncio.fixture(loop_scope="session")
async def small(graph: Service, neo4j_server: Neo4jOfTests) -> AsyncIterator[Mirror]:
    """Takes 4 MiB in one transaction, until it is started again."""
    neo4j_server.kill()
    neo4j_server.settings = "db.memory.transaction.max=4m\n"
    try:
        await neo4j_server.start()
    finally:
        neo4j_server.settings = ""
    neo4j = Neo4j(neo4j_server.url, USER, neo4j_server.password)
    yield Mirror(neo4j, MirrorSource(graph.background), new_id())
    await neo4j.close()
    neo4j_server.kill()


def tasks(count: int, title: str) -> list[MirroredArtifact]:
    ids = [new_id() for _ in range(count)]
    now, nowhere = datetime.now(UTC), (None, None)
    return [
        MirroredArtifact(one, ArtifactType.TASK, ids[0], *nowhere, title, place, deleted=False, created_at=now, position=place)
        for place, one in enumerate(ids, 1)
    ]


async def test_a_batch_that_takes_more_memory_than_there_is_is_halved_and_nothing_is_parked(graph: Service, small: Mirror) -> None:
    await small.prepare()
    many = tasks(4_000, "t" * 500)
    with pytest.raises(BatchIsTooLarge):
        await write(small.neo4j, many)
    assert await small.put(many) == 0
    assert await small.neo4j.run("MATCH (n:Task) RETURN count(n) AS count") == [{"count": len(many)}]
    with pytest.raises(MirrorIsAway):  # the least that there is: it is Neo4j that is too small
        await small.put(tasks(1, "t" * 8_000_000))
    assert await graph.database.fetchval("SELECT count(*) FROM graph.unmirrored") == 0
