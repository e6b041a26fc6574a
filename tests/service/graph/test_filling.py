"""A graph that begins where things are already: all of them, and the links that come of them, are asked of their owners."""

from typing import Any
from uuid import UUID

import pytest

from services.graph.filling import LIST, Filling
from services.graph.repository.fills import Fills
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.attachments.artifacts import AttachmentArtifact
from shared.contracts.messages.artifacts import MessageArtifact
from shared.contracts.principal import Principal
from shared.contracts.projects.artifacts import ProjectArtifact, ThreadOfProject
from shared.identifiers import new_id
from tests.service.graph.conftest import Service


@pytest.fixture
def things(graph: Service, ada: Principal) -> "Things":
    graph.owners.listed.clear()
    return Things(graph, ada.workspace_id)


class Things:
    """What owners list."""

    def __init__(self, graph: Service, workspace_id: UUID) -> None:
        self._graph, self._workspace_id = graph, workspace_id

    def add[T: Artifact](self, owner: str, form: type[T], kind: ArtifactType, **fields: Any) -> T:
        common = {"workspace_id": self._workspace_id, "project_id": None, "thread_id": None, "title": "", "deleted": False, "version": 1}
        made = form.model_validate({**common, "type": kind, "id": new_id(), **fields})
        self._graph.owners.listed[owner] = [*self._graph.owners.listed.get(owner, ()), made]
        return made

    def message(self, thread: UUID, **fields: Any) -> MessageArtifact:
        said = {"reply_to": None, "author_id": new_id(), "content": "", **fields}
        return self.add("messages", MessageArtifact, ArtifactType.MESSAGE, thread_id=thread, **said)

    def of_project(self, kind: ArtifactType, project: UUID, **fields: Any) -> ProjectArtifact:
        said = {"linked_file_id": None, "updated_by": None if kind is ArtifactType.TASK else new_id(), **fields}
        return self.add("projects", ProjectArtifact, kind, project_id=project, **said)

    def thread_of(self, project: UUID, *, deleted: bool = False) -> UUID:
        one = ThreadOfProject(id=project, workspace_id=self._workspace_id, thread_id=new_id(), deleted=deleted)
        self._graph.owners.listed["project_threads"] = [*self._graph.owners.listed.get("project_threads", ()), one]
        return one.thread_id

    async def fill(self) -> None:
        await self._graph.database.execute("DELETE FROM graph.fills")
        await Filling(self._graph.application.caller, Fills(self._graph.background)).once()
        assert await self._graph.database.fetchval("SELECT count(*) FROM graph.fills WHERE filled_at IS NOT NULL") == len(LIST)


async def test_what_messages_say_is_filled_in(graph: Service, things: Things, ada: Principal) -> None:
    thread = new_id()
    first = things.message(thread)
    reply = things.message(thread, reply_to=first.id)
    file = things.add(
        *("attachments", AttachmentArtifact, ArtifactType.ATTACHMENT), thread_id=thread, message_id=reply.id, uploaded_by_id=new_id()
    )
    await things.fill()
    assert await graph.derived(reply.id) == [("reply", first.id)]
    assert await graph.derived(file.id) == [("attachment", reply.id)]


async def test_nothing_comes_of_what_was_deleted(graph: Service, things: Things, project: UUID) -> None:
    first = things.message(new_id())
    reply = things.message(new_id(), reply_to=first.id, deleted=True)
    file = things.of_project(ArtifactType.FILE, project)
    page = things.of_project(ArtifactType.PAGE, project, linked_file_id=file.id, deleted=True)
    await things.fill()
    assert await graph.derived(reply.id) == await graph.derived(page.id) == []


async def test_a_pages_file_is_filled_in(graph: Service, things: Things, project: UUID) -> None:
    file = things.of_project(ArtifactType.FILE, project)
    page = things.of_project(ArtifactType.PAGE, project, linked_file_id=file.id)
    await things.fill()
    assert await graph.derived(page.id) == [("page", file.id)]


async def test_tasks_that_were_named_in_their_projects_thread_are_filled_in(graph: Service, things: Things, project: UUID) -> None:
    said = things.message(things.thread_of(project), content="#T-7")
    task = things.of_project(ArtifactType.TASK, project, number=7)
    await things.fill()
    assert await graph.derived(said.id) == [("reference", task.id)]


async def test_of_a_deleted_projects_thread_nothing_is_there(graph: Service, things: Things, project: UUID) -> None:
    said = things.message(things.thread_of(project, deleted=True))
    await things.fill()
    assert await graph.database.fetchval("SELECT deleted FROM graph.artifacts WHERE id = $1", said.id)
