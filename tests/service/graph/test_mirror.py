"""The mirror in a real Neo4j: it follows, it is laid over, and it finds its way back from whatever happens to it."""

import asyncio
import shutil
from itertools import pairwise
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from services.graph.ending import Ending
from services.graph.engines import MirrorIsAway
from services.graph.mirror.mirror import Mirror, MirrorIsAnothers
from services.graph.mirror.reconciliation import Reconciliation, TooManyToDelete
from services.graph.repository.artifacts import record
from services.graph.repository.endings import Endings
from services.graph.repository.mirror import MirrorSource, Window
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.links import ArtifactLink
from shared.contracts.graph.reads import Engine
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened
from shared.embedded.neo4j import Neo4jServer
from shared.identifiers import new_id
from tests.service.graph.conftest import Service
from tests.service.graph.events import event_of, posted, project_of
from tests.service.graph.mirrored import caught_up, differences
from tests.service.graph.model import Says, Told

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def has_mirror() -> bool:
    return True


async def chain(graph: Service, ada: Principal, project: UUID, length: int) -> tuple[list[Artifact], list[ArtifactLink]]:
    things = [graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project, title=f"Task {place}") for place in range(length)]
    return things, [await graph.link(one, other, ada, project) for one, other in pairwise(things)]


async def test_links_are_mirrored_with_the_properties_of_the_specification(
    graph: Service, mirror: Mirror, ada: Principal, project: UUID
) -> None:
    task = graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project, title="'; MATCH (n) DETACH DELETE n //")
    file = graph.owners.add(ArtifactType.FILE, ada.workspace_id, project_id=project, title="src/`app`.tsx")
    link = await graph.link(file, task, ada, project)
    await caught_up(graph, mirror)
    (row,) = await mirror.neo4j.run(
        "MATCH (t:Task {id: $id})-[l:LINKED_TO]-(f:File) MATCH (t)-[s:TASK_FILE]->(f) RETURN t, f, l{.*}, s.id AS specific", id=str(task.id)
    )
    assert row["t"]["title"] == "'; MATCH (n) DETACH DELETE n //"
    assert (row["f"]["name"], row["f"]["projectId"]) == ("src/`app`.tsx", str(project))
    assert (row["l"]["id"], row["l"]["type"], row["l"]["createdBy"]) == (str(link.id), "TASK_FILE", str(ada.user_id))
    assert row["l"]["createdAt"].to_native() == link.created_at
    assert row["specific"] == str(link.id)
    assert (await differences(graph, mirror)).count == 0


async def test_a_first_start_that_was_broken_off_is_gone_on_with(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    """Whoever leaves while Neo4j makes a constraint leaves its index there, without it."""
    await chain(graph, ada, project, 2)
    await caught_up(graph, mirror)
    await graph.application.stop()
    for name, label in (("mirror_id", "Mirror"), ("task_id", "Task")):
        await mirror.neo4j.run(f"DROP CONSTRAINT {name}")
        await mirror.neo4j.run(f"CREATE INDEX {name} FOR (n:{label}) ON (n.id)")
    await graph.restart()
    await caught_up(graph, mirror, within=30)
    (row,) = await mirror.neo4j.run("SHOW CONSTRAINTS YIELD name WHERE name IN ['mirror_id', 'task_id'] RETURN count(name) AS made")
    assert row["made"] == 2


async def test_a_link_to_what_was_not_told_of_yet_is_in_the_mirrors_answers(
    graph: Service, mirror: Mirror, ada: Principal, project: UUID
) -> None:
    """Its owner knows it, and says who sees it; the graph is told of it later, and then that it is gone."""
    task = graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project, number=1)
    said = graph.owners.add(ArtifactType.MESSAGE, ada.workspace_id, thread_id=new_id())
    await graph.hears(ada.workspace_id, event_of(Told(said, Says((task,)))))
    for told in (None, task, graph.owners.change(task, title="Turin")):
        if told is not None:
            await graph.hears(ada.workspace_id, event_of(Told(told, Says())))
        await caught_up(graph, mirror)
        for root, other in ((said, task), (task, said)):
            answer = await graph.related(root, ada)
            assert (answer.engine, [one.id for one in answer.related]) == (Engine.NEO4J, [other.id])
        assert (await differences(graph, mirror)).count == 0
    gone = graph.owners.change(task, title="Turin", deleted=True)
    await graph.hears(ada.workspace_id, event_of(Told(gone, Says())))
    await caught_up(graph, mirror)
    assert (await graph.related(said, ada)).related == []
    assert await mirror.neo4j.run("MATCH (:Artifact {id: $id})-[l]-() RETURN l", id=str(task.id)) == []
    assert (await differences(graph, mirror)).count == 0


async def test_what_was_linked_or_unlinked_a_moment_ago_is_in_the_mirrors_answers(
    graph: Service, mirror: Mirror, ada: Principal, project: UUID
) -> None:
    things, links = await chain(graph, ada, project, 4)
    await caught_up(graph, mirror)
    for _ in range(5):
        link = await graph.link(things[0], things[3], ada, project)
        answer = await graph.related(things[0], ada)
        assert (answer.engine, [one.id for one in answer.related]) == (Engine.NEO4J, sorted([things[1].id, things[3].id]))
        await graph.unlink(link, ada)
        answer = await graph.related(things[0], ada)
        assert (answer.engine, [one.id for one in answer.related]) == (Engine.NEO4J, [things[1].id])
    await graph.unlink(links[0], ada)
    assert await graph.ids_related(things[0], ada) == []


async def test_what_was_said_in_a_deleted_projects_thread_leaves_the_mirror(
    graph: Service, mirror: Mirror, ada: Principal, project: UUID
) -> None:
    thread = new_id()
    said = posted(thread)
    reply = posted(thread, reply_to=said.entity_id)
    await graph.hears(ada.workspace_id, project_of(project, thread), said, reply)
    await caught_up(graph, mirror)
    labels = (
        "MATCH (n:Artifact) WHERE n.id IN $ids UNWIND labels(n) AS label WITH label WHERE label <> 'Artifact' RETURN collect(label) AS all"
    )
    links = "MATCH (:Artifact {id: $id})-[l:LINKED_TO]-() RETURN count(l) AS count"
    ids = [str(one.entity_id) for one in (said, reply)]
    assert await mirror.neo4j.run(labels, ids=ids) == [{"all": ["Message", "Message"]}]
    assert await mirror.neo4j.run(links, id=ids[0]) == [{"count": 1}]
    await graph.hears(ada.workspace_id, project_of(project, thread, Happened.DELETED))
    await Ending(Endings(graph.background)).once()
    await caught_up(graph, mirror)
    assert await mirror.neo4j.run(labels, ids=ids) == [{"all": ["Deleted", "Deleted"]}]
    assert await mirror.neo4j.run(links, id=ids[0]) == [{"count": 0}]
    assert (await differences(graph, mirror)).count == 0


async def test_a_mirror_that_is_killed_is_done_without_and_comes_back(
    graph: Service, mirror: Mirror, neo4j_server: Neo4jServer, ada: Principal, project: UUID
) -> None:
    things, _ = await chain(graph, ada, project, 5)
    await caught_up(graph, mirror)
    neo4j_server.kill()
    answer = await graph.related(things[0], ada, depth=4)
    assert (answer.engine, [one.distance for one in answer.related]) == (Engine.SQL, [1, 2, 3, 4])
    more, _ = await chain(graph, ada, project, 5)
    await neo4j_server.start()
    await caught_up(graph, mirror)
    answer = await graph.related(more[0], ada, depth=4)
    assert (answer.engine, [one.distance for one in answer.related]) == (Engine.NEO4J, [1, 2, 3, 4])
    assert (await differences(graph, mirror)).count == 0


async def test_a_mirror_that_hangs_is_done_without(
    graph: Service, mirror: Mirror, neo4j_server: Neo4jServer, ada: Principal, project: UUID
) -> None:
    things, _ = await chain(graph, ada, project, 3)
    await caught_up(graph, mirror)
    neo4j_server.freeze()
    try:
        for _ in range(3):
            answer = await graph.related(things[0], ada, depth=2)
            assert (answer.engine, len(answer.related)) == (Engine.SQL, 2)
    finally:
        neo4j_server.thaw()
    await caught_up(graph, mirror)
    assert (await graph.related(things[0], ada)).engine is Engine.NEO4J


async def test_a_mirror_that_was_wiped_is_made_anew(
    graph: Service, mirror: Mirror, neo4j_server: Neo4jServer, ada: Principal, project: UUID
) -> None:
    things, _ = await chain(graph, ada, project, 5)
    await caught_up(graph, mirror)
    await neo4j_server.stop(within=30)
    neo4j_server.wipe()
    await neo4j_server.start()
    await caught_up(graph, mirror)
    assert (await graph.related(things[0], ada, depth=4)).engine is Engine.NEO4J
    assert (await differences(graph, mirror)).count == 0


async def test_a_rebuild_gives_the_same_mirror_while_it_is_asked(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    things, links = await chain(graph, ada, project, 10)
    await graph.unlink(links[8], ada)
    await caught_up(graph, mirror)
    await mirror.begin_anew()
    for _ in range(5):
        assert len(await graph.ids_related(things[0], ada, depth=4)) == 4
    await caught_up(graph, mirror)
    assert (await differences(graph, mirror)).count == 0


async def test_a_things_deletion_and_return_take_and_bring_its_links(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    things, _ = await chain(graph, ada, project, 3)
    for deleted, links in ((True, 0), (False, 2)):
        changed = graph.owners.change(things[1], deleted=deleted)
        async with graph.background.installation() as connection:
            await record(connection, [changed])
        await caught_up(graph, mirror)
        (row,) = await mirror.neo4j.run(
            "MATCH (n:Artifact {id: $id}) RETURN COUNT { (n)-[:LINKED_TO]-() } AS links, n:Task AS task", id=str(things[1].id)
        )
        assert (row["links"], row["task"]) == (links, not deleted)
        assert (await differences(graph, mirror)).count == 0


async def test_what_differs_is_found_and_mended(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    things, links = await chain(graph, ada, project, 40)
    await caught_up(graph, mirror)
    await mirror.neo4j.run("MATCH (n:Task {id: $id}) SET n.title = 'forged'", id=str(things[0].id))
    await mirror.neo4j.run("MATCH (n:Task {id: $id}) DETACH DELETE n", id=str(things[5].id))
    await mirror.neo4j.run("MATCH ()-[l:LINKED_TO {id: $id}]->() DELETE l", id=str(links[20].id))
    await mirror.neo4j.run("CREATE (:Artifact:Task {id: $id, version: 1})", id=str(new_id()))
    found = await differences(graph, mirror)
    assert {one.id for one in found.wrong_artifacts} == {things[0].id, things[5].id}
    assert {one.id for one in found.wrong_links} == {links[4].id, links[5].id, links[20].id}
    assert found.unknown == 1
    assert await Reconciliation(mirror, MirrorSource(graph.background)).mend(found, force=False) == 0
    assert (await differences(graph, mirror)).count == 0


async def test_much_is_deleted_only_by_force(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    await chain(graph, ada, project, 3)
    await caught_up(graph, mirror)
    await mirror.neo4j.run("UNWIND $ids AS id CREATE (:Artifact:Task {id: id, version: 1})", ids=[str(new_id()) for _ in range(500)])
    found, reconciliation = await differences(graph, mirror), Reconciliation(mirror, MirrorSource(graph.background))
    assert found.unknown == 500
    with pytest.raises(TooManyToDelete):
        await reconciliation.mend(found, force=False)
    assert await reconciliation.mend(found, force=True) == 0
    assert (await differences(graph, mirror)).count == 0


async def test_what_is_late_or_comes_twice_changes_nothing(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    _, links = await chain(graph, ada, project, 6)
    await caught_up(graph, mirror)
    source = MirrorSource(graph.background)
    before = await source.window(0, await source.head(), 100_000)
    await graph.unlink(links[2], ada)
    await caught_up(graph, mirror)
    await mirror.put(before.entities)
    await mirror.put(before.entities[::-1])
    assert (await differences(graph, mirror)).count == 0


async def test_a_mirror_takes_no_window_before_it_has_all_that_comes_first(
    graph: Service, mirror: Mirror, ada: Principal, project: UUID
) -> None:
    """It may have been wiped or put back while the window was on its way: it would be taken for one that lacks nothing."""
    await chain(graph, ada, project, 3)
    await caught_up(graph, mirror)
    position = (await mirror.standing()).position
    with pytest.raises(MirrorIsAway):
        await mirror.apply(Window([], position + 10, position + 20))
    assert (await mirror.standing()).position == position
    await mirror.apply(Window([], position - 1, position))


async def test_what_neo4j_refuses_is_parked_and_the_rest_goes_on(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    await caught_up(graph, mirror)
    poison, *others = [graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project) for _ in range(12)]
    await mirror.neo4j.run("CREATE (:Task {id: $id})", id=str(poison.id))  # somebody else's: its id is taken
    for one, other in pairwise([poison, *others]):
        await graph.link(one, other, ada, project)
    await caught_up(graph, mirror)
    parked = await graph.database.fetch("SELECT id, kind FROM graph.unmirrored")
    assert [(row["id"], row["kind"]) for row in parked] == [(poison.id, "artifact")]
    assert len(await graph.ids_related(others[0], ada, depth=4)) == 5
    found = await differences(graph, mirror)
    assert ([one.id for one in found.wrong_artifacts], found.wrong_links, found.unknown) == ([poison.id], [], 0)
    await mirror.neo4j.run("MATCH (n:Task {id: $id}) WHERE NOT n:Artifact DELETE n", id=str(poison.id))
    assert await Reconciliation(mirror, MirrorSource(graph.background)).mend(found, force=False) == 0
    assert (await differences(graph, mirror)).count == 0
    assert await graph.database.fetchval("SELECT count(*) FROM graph.unmirrored") == 0


async def test_a_mirror_from_an_old_backup_goes_on_from_there(
    graph: Service, mirror: Mirror, neo4j_server: Neo4jServer, ada: Principal, project: UUID, tmp_path: Path
) -> None:
    things, links = await chain(graph, ada, project, 5)
    await caught_up(graph, mirror)
    await neo4j_server.stop(within=30)
    shutil.copytree(neo4j_server.home / "data", tmp_path / "data")
    await neo4j_server.start()
    await graph.unlink(links[1], ada)
    await chain(graph, ada, project, 5)
    await caught_up(graph, mirror)
    await neo4j_server.stop(within=30)
    neo4j_server.wipe()
    shutil.copytree(tmp_path / "data", neo4j_server.home / "data")
    await neo4j_server.start()
    await caught_up(graph, mirror)
    assert await graph.ids_related(things[0], ada, depth=4) == [things[1].id]
    assert (await differences(graph, mirror)).count == 0


async def test_a_mirror_that_is_ahead_of_its_database_is_made_anew(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    things, _ = await chain(graph, ada, project, 4)
    await caught_up(graph, mirror)
    await mirror.neo4j.run("MATCH (m:Mirror) SET m.position = 1000000000")
    await mirror.neo4j.run("MATCH (n:Artifact {id: $id}) SET n.version = 1000000000", id=str(things[0].id))
    async with asyncio.timeout(150):
        while (await mirror.standing()).position >= 1_000_000_000 or not graph.application.mirror_is_near:
            await asyncio.sleep(0.05)
    await caught_up(graph, mirror)
    assert (await differences(graph, mirror)).count == 0


async def test_links_go_on_being_made_while_the_mirror_dies_again_and_again(
    graph: Service, mirror: Mirror, neo4j_server: Neo4jServer, ada: Principal, project: UUID
) -> None:
    things = [graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project) for _ in range(30)]
    ended = asyncio.Event()

    async def writes(place: int) -> int:
        random, made = Random(place), 0
        while not ended.is_set():
            one, other = random.sample(things, 2)
            link = await graph.link(one, other, ada, project)
            made += 1
            if random.random() < 0.5:
                await graph.unlink(link, ada)
            await asyncio.sleep(0.02)  # a steady load, which leaves Neo4j something to start with
        return made

    writing = [asyncio.create_task(writes(place)) for place in range(4)]
    for _ in range(2):
        await asyncio.sleep(1)
        neo4j_server.kill()
        await neo4j_server.start()
    ended.set()
    assert min(await asyncio.gather(*writing)) > 10
    await caught_up(graph, mirror)
    assert (await differences(graph, mirror)).count == 0


async def test_another_graphs_neo4j_is_left_alone(graph: Service, mirror: Mirror, neo4j_server: Neo4jServer) -> None:
    await caught_up(graph, mirror)
    another = Mirror(mirror.neo4j, MirrorSource(graph.background), new_id())
    with pytest.raises(MirrorIsAnothers):
        await another.prepare()
