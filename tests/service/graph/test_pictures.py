"""A project's graph as a picture: what the caller sees of it, and nothing else."""

import re
from itertools import pairwise
from uuid import UUID

import pytest

from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.pictures import DRAW_PROJECT_GRAPH, DrawProjectGraph
from shared.contracts.graph.reads import GET_PROJECT_GRAPH, GetProjectGraph
from shared.contracts.principal import Principal
from shared.contracts.projects.access import ProjectNotFound
from shared.contracts.refusals import ServiceIsUnavailable
from tests.service.graph.conftest import Service


async def picture(graph: Service, project: UUID, caller: Principal, limit: int = 500) -> str:
    return (await graph.gateway(DRAW_PROJECT_GRAPH, DrawProjectGraph(project_id=project, limit=limit), caller)).svg


def ids(svg: str, name: str) -> set[str]:
    return set(re.findall(rf'<g class="{name} [a-z -]*" data-id="([^"]+)"', svg))


async def test_a_picture_shows_what_the_graph_has_for_the_same_caller(
    graph: Service, ada: Principal, bob: Principal, project: UUID
) -> None:
    task, file, page = [
        graph.owners.add(kind, ada.workspace_id, project_id=project, title=f"The {kind.lower()}")
        for kind in (ArtifactType.TASK, ArtifactType.FILE, ArtifactType.PAGE)
    ]
    links = [await graph.link(*ends, ada, project) for ends in ((task, file), (task, page))]
    graph.owners.hidden.add((bob.user_id, page.id))
    shown = {ada: ({task, file, page}, links), bob: ({task, file}, links[:1])}
    for caller, (things, between) in shown.items():
        svg = await picture(graph, project, caller)
        assert ids(svg, "thing") == {str(thing.id) for thing in things}
        assert ids(svg, "link") == {str(link.id) for link in between}
        answer = await graph.gateway(GET_PROJECT_GRAPH, GetProjectGraph(project_id=project), caller)
        assert ids(svg, "thing") == {str(node.key) for node in answer.nodes}
    assert "The page" not in await picture(graph, project, bob)


async def test_a_picture_that_is_not_all_of_it_says_so(graph: Service, ada: Principal, project: UUID) -> None:
    made = [graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project, title=f"Task {place}") for place in range(4)]
    for one, other in pairwise(made):
        await graph.link(one, other, ada, project)
    svg = await picture(graph, project, ada, limit=2)
    assert len(ids(svg, "thing")) == 2
    assert "Not all of it: there are more things, or links, than are shown." in svg
    assert "Not all of it" not in await picture(graph, project, ada)


async def test_a_project_with_nothing_in_it_has_a_picture_that_says_so(graph: Service, ada: Principal, project: UUID) -> None:
    assert "There is nothing here yet." in await picture(graph, project, ada)


async def test_a_hidden_project_has_no_picture(graph: Service, bob: Principal, project: UUID) -> None:
    graph.owners.outside.add((bob.user_id, project))
    with pytest.raises(ProjectNotFound):
        await picture(graph, project, bob)


async def test_there_is_no_picture_without_those_who_say_who_sees_what(graph: Service, ada: Principal, project: UUID) -> None:
    graph.owners.away.add("projects")
    try:
        with pytest.raises(ServiceIsUnavailable):
            await picture(graph, project, ada)
    finally:
        graph.owners.away.clear()
