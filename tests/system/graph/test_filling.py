"""A graph that is filled from nothing is the one that followed the events."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest_asyncio

from services.graph.filling import Filling
from services.graph.main import NOBODY_ASKED
from services.graph.repository.fills import Fills
from shared.credentials import background_role
from shared.database.connections import Database, as_role
from tests.system.attachments.files import upload
from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path
from tests.system.projects.team import begin, path_of

TABLES = ("artifacts", "artifact_links", "task_mentions", "project_threads", "fills")

_THINGS = """
    SELECT id, type, workspace_id, project_id, thread_id, title, number, created_at FROM graph.artifacts
    WHERE NOT deleted AND (project_id = ANY($1) OR thread_id = ANY($2)) ORDER BY id"""
_LINKS = """
    SELECT l.source_id, l.target_id, l.source_type, l.target_type, l.type, l.derived, l.project_id, l.thread_id, l.workspace_id,
        l.created_by
    FROM graph.artifact_links l JOIN graph.artifacts s ON s.id = l.source_id JOIN graph.artifacts t ON t.id = l.target_id
    WHERE l.deleted_at IS NULL AND NOT s.deleted AND NOT t.deleted
        AND (s.project_id = ANY($1) OR s.thread_id = ANY($2)) ORDER BY l.source_id, l.target_id, l.derived"""


class Graph:
    """The graph's own copy of what is in some projects and their threads."""

    def __init__(self, house: House, projects: list[Json]) -> None:
        self._database = house.database
        self._of = [UUID(one["id"]) for one in projects], [UUID(one["threadId"]) for one in projects]

    async def things(self) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self._database.fetch(_THINGS, *self._of)]

    async def links(self) -> list[tuple[object, ...]]:
        return [tuple(row) for row in await self._database.fetch(_LINKS, *self._of)]

    async def settle(self, things: int, links: int) -> None:
        """Once so much is there by events."""
        async with asyncio.timeout(20):
            while (len(await self.things()), len(await self.links())) != (things, links):
                await asyncio.sleep(0.1)


@pytest_asyncio.fixture(loop_scope="session")
async def filling(house: House) -> AsyncIterator[Filling]:
    role = background_role("graph")
    url = as_role(house.servers.postgres_url, role, house.servers.credentials.postgres[role])
    background = Database(url, "graph", connections=1, settings=NOBODY_ASKED)
    await background.open()
    yield Filling(house.graph, Fills(background))
    await background.close()


async def work_in(project: Json, person: Person) -> Json:
    """One of everything that something comes of, and of each that was deleted; the task that is named."""
    path, thread = path_of(project), {"id": project["threadId"]}
    task, gone = [expect(await person.post(f"{path}/tasks", {"title": title}), 201) for title in ("Book it", "Never mind")]
    file = expect(await person.post(f"{path}/files", {"path": "src/a.ts"}), 201)
    page = {"name": "Landing", "route": "/", "structure": {"type": "page"}, "linkedFileId": file["id"]}
    expect(await person.post(f"{path}/pages", page), 201)
    first = await person.say(thread, f"#T-1 and #T-2 and /projects/{project['id']}/files/{file['id']}")
    attached = await upload(person, thread)
    await person.say(thread, "An answer", replyTo=first["id"], attachmentIds=[attached["id"]])
    retracted = await person.say(thread, "#T-1", replyTo=first["id"], attachmentIds=[(await upload(person, thread))["id"]])
    expect(await person.delete(message_path(retracted)), 204)
    expect(await person.delete(f"{path}/tasks/{gone['id']}"), 204)
    body = dict(zip(("sourceType", "sourceId", "targetType", "targetId"), ("TASK", task["id"], "FILE", file["id"]), strict=True))
    expect(await person.post(f"{path}/links", body), 201)
    return task


async def test_a_graph_filled_from_nothing_is_the_one_that_followed_the_events(house: House, client: Person, filling: Filling) -> None:
    project, deleted = await begin(client), await begin(client)
    await work_in(project, client)
    await work_in(deleted, client)
    expect(await client.delete(path_of(deleted)), 204)
    graph = Graph(house, [project, deleted])
    await graph.settle(things=7, links=6)
    things, links = await graph.things(), await graph.links()
    for table in TABLES:
        made = " WHERE derived IS NOT NULL" if table == "artifact_links" else ""  # those that people made are nobody else's
        await house.database.execute(f"DELETE FROM graph.{table}{made}")
    assert await graph.things() == []
    await filling.once()
    assert (await graph.things(), await graph.links()) == (things, links)
