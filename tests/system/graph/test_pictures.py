"""A project's graph as a picture, as a browser gets it."""

import asyncio
import re
from xml.etree import ElementTree

import httpx2

from tests.system.house import House
from tests.system.people import Json, Person, expect, refusal

HOSTILE = "<script>alert('tasks')</script>]]>"


async def drawn(person: Person, project: Json, **query: object) -> httpx2.Response:
    answer = await person.get(f"/api/projects/{project['id']}/graph.svg", **query)
    assert answer.status_code == 200, answer.text
    return answer


async def linked_project(person: Person) -> tuple[Json, list[Json]]:
    """With a task and a file that are linked; its thread has come to the graph, too."""
    project = expect(await person.post("/api/projects", {"name": "Turin"}), 201)
    path = f"/api/projects/{project['id']}"
    task = expect(await person.post(f"{path}/tasks", {"title": HOSTILE}), 201)
    file = expect(await person.post(f"{path}/files", {"path": "src/index.ts"}), 201)
    ends = {"sourceType": "TASK", "sourceId": task["id"], "targetType": "FILE", "targetId": file["id"]}
    link = expect(await person.post(f"{path}/links", ends), 201)
    async with asyncio.timeout(20):
        while len(expect(await person.get(f"{path}/graph"), 200)["nodes"]) != 3:
            await asyncio.sleep(0.1)
    return project, [task, file, link]


async def test_a_project_has_a_picture_of_its_graph(agent: Person) -> None:
    project, made = await linked_project(agent)
    answer = await drawn(agent, project)
    root = ElementTree.fromstring(answer.text)  # noqa: S314  what is read is ours
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert {one["id"] for one in made} <= {element.get("data-id") for element in root.iter()}
    graph = expect(await agent.get(f"/api/projects/{project['id']}/graph"), 200)
    shown = {element.get("data-id") for element in root.iter() if (element.get("class") or "").startswith("thing")}
    assert shown == {node["key"] for node in graph["nodes"]}


async def test_a_picture_runs_nothing_and_loads_nothing_in_a_browser(agent: Person) -> None:
    project, _ = await linked_project(agent)
    answer = await drawn(agent, project)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "&lt;script&gt;" in answer.text
    assert not re.search(r"<script|<foreignObject|href=|\son\w+=|url\(", answer.text)


async def test_a_picture_that_is_known_is_not_sent_again(agent: Person) -> None:
    project, (task, *_) = await linked_project(agent)
    path = f"/api/projects/{project['id']}"
    tag = (await drawn(agent, project)).headers["etag"]
    same = await agent.ask("GET", f"{path}/graph.svg", if_none_match=tag)
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    expect(await agent.patch(f"{path}/tasks/{task['id']}", {"title": "Another"}), 200)
    changed = await agent.ask("GET", f"{path}/graph.svg", if_none_match=tag)
    assert changed.status_code == 200
    assert "Another" in changed.text


async def test_a_picture_of_less_than_all_says_so(agent: Person) -> None:
    project, _ = await linked_project(agent)
    assert "Not all of it" in (await drawn(agent, project, limit=1)).text
    assert refusal(await agent.get(f"/api/projects/{project['id']}/graph.svg", limit=2_001)) == (422, "request_is_invalid")


async def test_who_is_not_in_a_project_sees_no_picture_of_it(agent: Person, house: House) -> None:
    project, _ = await linked_project(agent)
    stranger = await house.person()
    assert refusal(await stranger.get(f"/api/projects/{project['id']}/graph.svg")) == (404, "project_not_found")
