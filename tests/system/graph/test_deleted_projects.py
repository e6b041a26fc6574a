"""What is left of a project that is deleted: nothing, and nothing of what was said in its thread."""

import asyncio
from uuid import UUID

from tests.system.attachments.files import upload
from tests.system.graph.test_linking import related
from tests.system.house import House
from tests.system.people import Json, Person, expect, refusal
from tests.system.projects.team import begin, path_of

DELETED = "SELECT count(*) FROM graph.artifacts WHERE id = ANY($1) AND deleted"


async def talked_about(person: Person) -> tuple[Json, Json, list[Json]]:
    """A task of one project, and another project with a message and its file in its thread; the task is linked to the message."""
    project, other = await begin(person), await begin(person)
    task = expect(await person.post(f"{path_of(project)}/tasks", {"title": "Book it"}), 201)
    thread = {"id": other["threadId"]}
    file = await upload(person, thread)
    message = await person.say(thread, attachmentIds=[file["id"]])
    ends = {"sourceType": "TASK", "sourceId": task["id"], "targetType": "MESSAGE", "targetId": message["id"]}
    expect(await person.post(f"{path_of(project)}/links", ends), 201)
    await related(person, "task", task["id"], 2)
    return project, other, [task, message, file]


async def orphans(person: Person, project: Json) -> list[str]:
    page = expect(await person.get("/api/graph/orphans", projectId=project["id"]), 200)
    return [one["id"] for one in page["artifacts"]]


async def test_what_was_said_in_a_deleted_projects_thread_is_in_no_answer_from_the_next_request_on(client: Person) -> None:
    project, other, (task, message, file) = await talked_about(client)
    expect(await client.delete(path_of(other)), 204)
    assert expect(await client.get(f"/api/graph/task/{task['id']}/related", depth=2), 200)["related"] == []
    assert expect(await client.get(f"/api/graph/task/{task['id']}/impact"), 200)["related"] == []
    assert expect(await client.get(f"{path_of(project)}/links"), 200)["links"] == []
    shown = expect(await client.get(f"{path_of(project)}/graph"), 200)
    assert not {message["id"], file["id"]} & {node["key"] for node in shown["nodes"]}
    assert shown["edges"] == []
    assert message["id"] not in (await client.get(f"{path_of(project)}/graph.svg")).text
    for kind, one in (("message", message), ("attachment", file), ("thread", {"id": other["threadId"]})):
        assert refusal(await client.get(f"/api/graph/{kind}/{one['id']}/related")) == (404, "artifact_not_found")
    assert refusal(await client.get("/api/graph/path", **{"from": f"task:{task['id']}", "to": f"message:{message['id']}"})) == (
        *(404, "artifact_not_found"),
    )
    assert refusal(await client.get(f"{path_of(other)}/graph")) == (404, "project_not_found")


async def test_the_graphs_own_copy_forgets_what_was_said_in_a_deleted_projects_thread(client: Person, house: House) -> None:
    project, other, (task, message, file) = await talked_about(client)
    assert task["id"] not in await orphans(client, project)
    expect(await client.delete(path_of(other)), 204)
    ids = [UUID(one) for one in (message["id"], file["id"], other["threadId"])]
    async with asyncio.timeout(20):
        while await house.database.fetchval(DELETED, ids) != len(ids):
            await asyncio.sleep(0.1)
    assert task["id"] in await orphans(client, project), "all that it was linked to is gone"
