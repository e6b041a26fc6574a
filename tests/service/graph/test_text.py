"""Whatever people write stays text: in titles, types, ids and parameters alike."""

from itertools import product
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.graph.mirror.mirror import Mirror
from services.graph.repository.artifacts import TITLE_LENGTH
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.reads import FIND_PATH, GET_IMPACT, GET_RELATED, ArtifactNotFound, Engine, FindPath, GetImpact, GetRelated
from shared.contracts.principal import Principal
from shared.contracts.refusals import RequestIsInvalid
from shared.identifiers import new_id
from tests.service.graph.conftest import Service
from tests.service.graph.mirrored import caught_up, differences

CYPHER = (
    "'}) DETACH DELETE n //",
    '"}) MATCH (n) DETACH DELETE n //',
    "`Task`) DETACH DELETE (n",
    "\\u0027}) MATCH (n) SET n.title = 'forged' //",
    "$rows {id: row.id} UNION MATCH (n) RETURN n",
    "*/ CALL { MATCH (n) DETACH DELETE n } /*",
    "LOAD CSV FROM 'http://127.0.0.1/' AS line RETURN line; 🜁 ﷽",
)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def has_mirror() -> bool:
    return True


async def test_cypher_in_titles_is_kept_letter_by_letter(graph: Service, mirror: Mirror, ada: Principal, project: UUID) -> None:
    hub = graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project)
    things = [
        graph.owners.add(kind, ada.workspace_id, project_id=project, thread_id=new_id(), title=title)
        for kind, title in product(ArtifactType, CYPHER)
    ]
    for thing in things:
        await graph.link(hub, thing, ada, project)
    await caught_up(graph, mirror)
    rows = await mirror.neo4j.run(
        """UNWIND $ids AS id MATCH (n:Artifact {id: id})
        RETURN id, coalesce(n.title, n.name, n.contentPreview) AS title, labels(n) AS labels""",
        ids=[str(thing.id) for thing in things],
    )
    found = {UUID(row["id"]): (row["title"], set(row["labels"])) for row in rows}
    assert found == {thing.id: (thing.title[:TITLE_LENGTH], {"Artifact", thing.type.title()}) for thing in things}
    answer = await graph.related(hub, ada, limit=1_000)
    assert (answer.engine, {one.id: one.title for one in answer.related}) == (Engine.NEO4J, {one.id: one.title for one in things})
    assert (await differences(graph, mirror)).count == 0


@pytest.mark.parametrize("cypher", CYPHER)
async def test_cypher_in_a_question_finds_and_changes_nothing(
    graph: Service, mirror: Mirror, ada: Principal, project: UUID, cypher: str
) -> None:
    task, file = (graph.owners.add(kind, ada.workspace_id, project_id=project) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    await graph.link(task, file, ada, project)
    await caught_up(graph, mirror)
    there, question = f"task:{task.id}", {"type": "task", "id": task.id}
    asks: list[tuple[Any, Any, dict[str, Any]]] = [
        *((operation, model, {"type": cypher, "id": task.id}) for operation, model in ((GET_RELATED, GetRelated), (GET_IMPACT, GetImpact))),
        *((GET_RELATED, GetRelated, {**question, field: cypher}) for field in ("types", "link_types")),
        *((GET_RELATED, GetRelated, {**question, field: "DETACH_DELETE,TASK"}) for field in ("types", "link_types")),
        (GET_RELATED, GetRelated, {"type": "task", "id": cypher}),
        *((FIND_PATH, FindPath, {"from": there, "to": place}) for place in (cypher, f"task:{cypher}", f"{cypher}:{task.id}")),
        (FIND_PATH, FindPath, {"from": there, "to": f"file:{file.id}", "link_types": cypher}),
    ]
    for operation, model, fields in asks:
        with pytest.raises((ArtifactNotFound, RequestIsInvalid, ValidationError)):
            await graph.gateway(operation, model.model_validate(fields), ada)
    answer = await graph.related(task, ada)
    assert (answer.engine, [one.id for one in answer.related]) == (Engine.NEO4J, [file.id])
    assert (await differences(graph, mirror)).count == 0
