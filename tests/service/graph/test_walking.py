"""What hangs together with what, for whom."""

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from services.graph.walking import MOST_NODES
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.reads import (
    FIND_PATH,
    GET_IMPACT,
    GET_PROJECT_GRAPH,
    LIST_ORPHANS,
    ArtifactNotFound,
    Cut,
    FindPath,
    GetImpact,
    GetProjectGraph,
    ListOrphans,
    Way,
)
from shared.contracts.principal import Principal
from shared.contracts.projects.access import ProjectNotFound
from shared.contracts.refusals import RequestIsInvalid, ServiceIsUnavailable
from shared.identifiers import new_id
from tests.service.graph.conftest import Service

MOST_PAYLOAD = 8_000_000
"""Bytes of one message of NATS."""


def tasks(graph: Service, ada: Principal, project: UUID, count: int) -> list[Artifact]:
    return [graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project, title=f"Task {place}") for place in range(count)]


async def chain(graph: Service, ada: Principal, project: UUID, count: int) -> list[Artifact]:
    made = tasks(graph, ada, project, count)
    for one, other in pairwise(made):
        await graph.link(one, other, ada, project)
    return made


async def path(graph: Service, start: Artifact, end: Artifact, caller: Principal) -> Way:
    request = FindPath.model_validate({"from": f"{start.type.lower()}:{start.id}", "to": f"{end.type}:{end.id}"})
    return await graph.gateway(FIND_PATH, request, caller)


async def impact(graph: Service, root: Artifact, caller: Principal, **fields: Any) -> list[UUID]:
    request = GetImpact.model_validate({"type": root.type, "id": root.id, **fields})
    return [one.id for one in (await graph.gateway(GET_IMPACT, request, caller)).related]


async def test_what_is_related_comes_nearest_first_with_a_way_to_it(graph: Service, ada: Principal, project: UUID) -> None:
    made = await chain(graph, ada, project, 6)
    answer = await graph.related(made[1], ada, depth=3)
    assert answer.root.id == made[1].id
    assert [(one.id, one.distance) for one in answer.related] == [
        *((made[0].id, 1), (made[2].id, 1), (made[3].id, 2), (made[4].id, 3)),
    ]
    assert [step.id for step in answer.related[-1].path] == [one.id for one in made[1:5]]
    assert (answer.partial, answer.reason) == (False, None)


async def test_nothing_is_found_through_what_is_hidden(graph: Service, ada: Principal, bob: Principal, project: UUID) -> None:
    made = await chain(graph, ada, project, 5)
    graph.owners.hidden.add((bob.user_id, made[2].id))
    assert await graph.ids_related(made[0], bob, depth=4) == [made[1].id]
    assert (await path(graph, made[0], made[4], bob)).path == []
    assert [one.id for one in (await path(graph, made[0], made[4], ada)).path] == [one.id for one in made]


async def test_the_way_round_what_is_hidden_is_found(graph: Service, ada: Principal, bob: Principal, project: UUID) -> None:
    start, hidden, one, two, end = tasks(graph, ada, project, 5)
    for source, target in ((start, hidden), (hidden, end), (start, one), (one, two), (two, end)):
        await graph.link(source, target, ada, project)
    graph.owners.hidden.add((bob.user_id, hidden.id))
    assert [node.id for node in (await path(graph, start, end, ada)).path] == [start.id, hidden.id, end.id]
    assert [node.id for node in (await path(graph, start, end, bob)).path] == [start.id, one.id, two.id, end.id]


async def test_a_root_that_is_missing_hidden_or_of_another_type_is_not_found(
    graph: Service, ada: Principal, bob: Principal, project: UUID
) -> None:
    (task,) = tasks(graph, ada, project, 1)
    graph.owners.hidden.add((bob.user_id, task.id))
    missing, other = task.model_copy(update={"id": new_id()}), task.model_copy(update={"type": ArtifactType.FILE})
    for root, caller in ((task, bob), (missing, ada), (other, ada)):
        with pytest.raises(ArtifactNotFound):
            await graph.related(Artifact.model_validate(root.model_dump()), caller)


async def test_types_choose_what_is_shown_and_link_types_what_is_followed(graph: Service, ada: Principal, project: UUID) -> None:
    task = graph.owners.add(ArtifactType.TASK, ada.workspace_id)
    file, page, other = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.FILE, ArtifactType.PAGE, ArtifactType.TASK))
    for source, target in ((task, file), (file, other), (task, page)):
        await graph.link(source, target, ada, project)
    assert await graph.ids_related(task, ada, depth=2, types="task") == [other.id]
    assert await graph.ids_related(task, ada, depth=2, link_types="task_page") == [page.id]
    with pytest.raises(RequestIsInvalid):
        await graph.related(task, ada, types="task,planet")


async def test_impact_follows_links_along_their_direction(graph: Service, ada: Principal, project: UUID) -> None:
    made = await chain(graph, ada, project, 8)
    assert await impact(graph, made[3], ada) == [one.id for one in made[4:]]
    assert await impact(graph, made[7], ada) == []


async def test_a_ring_ends(graph: Service, ada: Principal, project: UUID) -> None:
    made = await chain(graph, ada, project, 3)
    await graph.link(made[2], made[0], ada, project)
    assert sorted(await impact(graph, made[0], ada)) == sorted([made[1].id, made[2].id])


async def test_more_than_is_asked_for_is_said(graph: Service, ada: Principal, project: UUID) -> None:
    root, *others = tasks(graph, ada, project, 6)
    for other in others:
        await graph.link(root, other, ada, project)
    answer = await graph.related(root, ada, limit=3)
    assert ([one.id for one in answer.related], answer.partial, answer.reason) == ([one.id for one in others[:3]], True, Cut.LIMIT)


async def test_as_many_things_are_looked_at_as_are_for_one_question(graph: Service, ada: Principal, project: UUID) -> None:
    root = graph.owners.add(ArtifactType.TASK, ada.workspace_id)
    hubs = tasks(graph, ada, project, 4)
    for hub in hubs:
        await graph.link(root, hub, ada, project)
    leaves = [graph.owners.add(ArtifactType.FILE, ada.workspace_id) for _ in range(MOST_NODES + 1_000)]
    await graph.database.executemany(
        """INSERT INTO graph.artifact_links (id, workspace_id, project_id, source_type, source_id, target_type, target_id, type, created_by)
        VALUES (uuidv7(), $1, $2, 'TASK', $3, 'FILE', $4, 'TASK_FILE', $5)""",
        [(ada.workspace_id, project, hubs[place % 4].id, leaf.id, ada.user_id) for place, leaf in enumerate(leaves)],
    )
    answer = await graph.related(root, ada, depth=2, types="file", limit=1_000)
    assert (len(answer.related), answer.partial, answer.reason) == (1_000, True, Cut.NODES)


async def test_owners_are_asked_once_a_hop(graph: Service, ada: Principal, project: UUID) -> None:
    root, *ring = tasks(graph, ada, project, 21)
    for one in ring:
        await graph.link(root, one, ada, project)
    graph.owners.asked.clear()
    await graph.related(root, ada, depth=2)
    assert graph.owners.asked == [("projects", 1), ("projects", 20)]


async def test_an_owner_that_is_away_is_said_so(graph: Service, ada: Principal, project: UUID) -> None:
    task = graph.owners.add(ArtifactType.TASK, ada.workspace_id)
    message = graph.owners.add(ArtifactType.MESSAGE, ada.workspace_id)
    await graph.link(task, message, ada, project)
    graph.owners.away.add("messages")
    try:
        with pytest.raises(ServiceIsUnavailable):
            await graph.related(task, ada)
    finally:
        graph.owners.away.clear()


async def test_a_projects_graph_has_what_its_reader_sees(graph: Service, ada: Principal, bob: Principal, project: UUID) -> None:
    one, two, three = await chain(graph, ada, project, 3)
    message = graph.owners.add(ArtifactType.MESSAGE, ada.workspace_id, title="Hello")
    link = await graph.link(message, one, ada, project)
    graph.owners.hidden.add((bob.user_id, three.id))
    answer = await graph.gateway(GET_PROJECT_GRAPH, GetProjectGraph(project_id=project), bob)
    assert {node.key for node in answer.nodes} == {one.id, two.id, message.id}
    assert {(edge.source, edge.target) for edge in answer.edges} == {(one.id, two.id), (message.id, one.id)}
    assert link.id in {edge.data.id for edge in answer.edges}
    assert not answer.partial
    small = await graph.gateway(GET_PROJECT_GRAPH, GetProjectGraph(project_id=project, limit=2), ada)
    assert (len(small.nodes), small.partial, small.reason) == (2, True, Cut.LIMIT)
    graph.owners.outside.add((bob.user_id, project))
    with pytest.raises(ProjectNotFound):
        await graph.gateway(GET_PROJECT_GRAPH, GetProjectGraph(project_id=project), bob)


async def densely_linked(graph: Service, ada: Principal, project: UUID) -> list[UUID]:
    """1,500 tasks, each linked to the next seven, and the first to a hundred of another project; the ids of the links, outer ones first."""
    inner, outer = tasks(graph, ada, project, 1_500), tasks(graph, ada, new_id(), 100)
    pairs = [(one, inner[0]) for one in outer]
    pairs += [(inner[place], inner[place + step]) for step in range(1, 8) for place in range(1_500 - step)]
    ids = [new_id() for _ in pairs]
    await graph.database.executemany(
        """INSERT INTO graph.artifacts (id, type, workspace_id, project_id, title, version, created_at)
        VALUES ($1, 'TASK', $2, $3, $4, 1, now())""",
        [(one.id, ada.workspace_id, one.project_id, one.title) for one in (*inner, *outer)],
    )
    await graph.database.executemany(
        """INSERT INTO graph.artifact_links (id, workspace_id, project_id, source_type, source_id, target_type, target_id, type, created_by)
        VALUES ($1, $2, $3, 'TASK', $4, 'TASK', $5, 'LINKED_TO', $6)""",
        [
            (identifier, ada.workspace_id, project, one.id, other.id, ada.user_id)
            for identifier, (one, other) in zip(ids, pairs, strict=True)
        ],
    )
    return ids


async def test_a_graph_of_very_many_links_has_the_nearest_of_them_and_says_so(graph: Service, ada: Principal, project: UUID) -> None:
    ids = await densely_linked(graph, ada, project)
    request = GetProjectGraph(project_id=project, limit=2_000)
    answer = await graph.gateway(GET_PROJECT_GRAPH, request, ada)
    assert (len(answer.nodes), answer.partial, answer.reason) == (1_500, True, Cut.LIMIT)
    assert [edge.key for edge in answer.edges] == ids[100:10_100]
    assert len(answer.model_dump_json()) < MOST_PAYLOAD
    assert await graph.gateway(GET_PROJECT_GRAPH, request, ada) == answer


async def test_a_graph_with_titles_as_long_as_can_be_travels_with_as_many_links_as_there_is_room_for(
    graph: Service, ada: Principal, project: UUID
) -> None:
    await densely_linked(graph, ada, project)
    for identifier, thing in graph.owners.things.items():
        if thing.project_id == project:
            graph.owners.things[identifier] = thing.model_copy(update={"title": "\U0001f389" * 512})
    answer = await graph.gateway(GET_PROJECT_GRAPH, GetProjectGraph(project_id=project, limit=2_000), ada)
    assert (len(answer.nodes), answer.partial) == (1_500, True)
    assert 5_000 < len(answer.edges) < 10_000
    assert MOST_PAYLOAD // 2 < len(answer.model_dump_json().encode()) < MOST_PAYLOAD


async def test_a_thing_with_more_links_than_a_graph_shows_is_said_so(graph: Service, ada: Principal, project: UUID) -> None:
    hub, *rest = tasks(graph, ada, project, 102)
    for one in rest[:100]:
        await graph.link(hub, one, ada, project)
    assert not (await graph.gateway(GET_PROJECT_GRAPH, GetProjectGraph(project_id=project, limit=200), ada)).partial
    away = graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=new_id())
    for one in (rest[100], away):
        await graph.link(hub, one, ada, project)
    answer = await graph.gateway(GET_PROJECT_GRAPH, GetProjectGraph(project_id=project, limit=200), ada)
    assert (answer.partial, answer.reason) == (True, Cut.LIMIT)


async def test_orphans_are_what_nothing_is_linked_to_and_its_reader_sees(
    graph: Service, ada: Principal, bob: Principal, project: UUID
) -> None:
    one, two, *others = tasks(graph, ada, project, 7)
    await graph.link(one, two, ada, project)
    for other in others:  # they are known once something links them
        link = await graph.link(one, other, ada, project)
        await graph.unlink(link, ada)
    graph.owners.hidden.add((bob.user_id, others[0].id))
    found: list[UUID] = []
    cursor, more = None, True
    while more:
        page = await graph.gateway(LIST_ORPHANS, ListOrphans(project_id=project, limit=2, cursor=cursor), bob)
        found += [artifact.id for artifact in page.artifacts]
        cursor, more = page.next_cursor, page.has_more
    assert found == [other.id for other in others[:0:-1]]
