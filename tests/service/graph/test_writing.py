"""Several write to the mirror at once, as a reconciliation does beside the one who follows."""

import asyncio
from uuid import UUID

import pytest

from services.graph.mirror.mirror import Mirror
from services.graph.mirror.statements import REMOVE_ARTIFACTS, REMOVE_LINKS
from services.graph.repository.mirror import MirrorSource
from shared.contracts.artifacts import ArtifactType
from shared.contracts.principal import Principal
from tests.service.graph.conftest import Service
from tests.service.graph.mirrored import caught_up, differences

pytestmark = pytest.mark.timeout(300)

HIGHEST = "MATCH (m:Mirror) RETURN m.highest AS highest"
EDGES = "MATCH ()-[l]->() WHERE l.id IN $ids RETURN l.id AS id, type(l) AS type, count(l) AS count ORDER BY id, type"


@pytest.fixture(scope="module")
def has_mirror() -> bool:
    return True


async def test_a_link_that_several_write_at_once_is_made_once(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    kinds = (ArtifactType.FILE, ArtifactType.TASK, ArtifactType.TASK, ArtifactType.PAGE)
    file, task, other, page = (graph.owners.add(kind, ada.workspace_id, project_id=project) for kind in kinds)
    links = [await graph.link(*ends, ada, project) for ends in ((file, task), (task, other), (other, page), (page, file))]
    await caught_up(graph, mirror)
    source = MirrorSource(graph.background)
    head = await source.head()
    window, ids = await source.window(max(0, head - 100), head, 100), [str(link.id) for link in links]
    made = await mirror.neo4j.run(EDGES, ids=ids)
    for _ in range(5):
        for statement in REMOVE_LINKS.values():
            await mirror.neo4j.run(statement, ids=ids)
        assert await mirror.neo4j.run(EDGES, ids=ids) == []
        assert await asyncio.gather(*(mirror.put(window.entities) for _ in range(8))) == [0] * 8
        assert await mirror.neo4j.run(EDGES, ids=ids) == made
    assert sorted(row["type"] for row in made) == ["LINKED_TO"] * 4 + ["TASK_FILE", "TASK_PAGE"]
    assert (await differences(graph, mirror)).count == 0


async def test_links_are_made_whole_though_an_end_of_some_comes_later(
    graph: Service, mirror: Mirror, ada: Principal, project: UUID
) -> None:
    """As where a thing was renamed after it was linked: it has a later place than its link."""
    known, late, other = (graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project) for _ in range(3))
    file = graph.owners.add(ArtifactType.FILE, ada.workspace_id, project_id=project)
    links = [await graph.link(*ends, ada, project) for ends in ((known, file), (known, other), (late, file), (late, known))]
    await caught_up(graph, mirror)
    ids = [str(link.id) for link in links]
    made = await mirror.neo4j.run(EDGES, ids=ids)
    source = MirrorSource(graph.background)
    head = await source.head()
    window = (await source.window(max(0, head - 100), head, 100)).entities
    await mirror.neo4j.run(REMOVE_ARTIFACTS, ids=[str(thing.id) for thing in (known, late, other, file)])
    assert await mirror.neo4j.run(EDGES, ids=ids) == []
    assert await mirror.put([entity for entity in window if entity.id != late.id]) == 0
    assert await mirror.neo4j.run(EDGES, ids=ids) == made
    assert await mirror.put([entity for entity in window if entity.id == late.id]) == 0
    assert (await differences(graph, mirror)).count == 0


async def test_the_mirror_says_of_no_link_that_it_has_that_it_is_new(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    """Whether or not it knows the highest of all ids; one that is made after a wipe begins anew."""
    task, file = (graph.owners.add(kind, ada.workspace_id, project_id=project) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    links = [await graph.link(task, file, ada, project)]
    await caught_up(graph, mirror)
    links += [await graph.link(task, graph.owners.add(ArtifactType.FILE, ada.workspace_id, project_id=project), ada, project)]
    await caught_up(graph, mirror)
    ids = [str(link.id) for link in links]
    made = await mirror.neo4j.run(EDGES, ids=ids)
    assert [row["count"] for row in made] == [1] * 4
    source = MirrorSource(graph.background)
    head = await source.head()
    window = (await source.window(max(0, head - 100), head, 100)).entities
    for known in (max(ids), None):
        await mirror.neo4j.run("MATCH (m:Mirror) SET m.highest = $known", known=known)
        assert await mirror.put(window) == 0
        assert await mirror.neo4j.run(EDGES, ids=ids) == made
    await mirror.neo4j.run("MATCH (m:Mirror) SET m.highest = 'unknown'")
    await mirror.begin_anew()
    await caught_up(graph, mirror)
    assert await mirror.neo4j.run(HIGHEST) == [{"highest": max(ids)}]
    assert (await differences(graph, mirror)).count == 0
