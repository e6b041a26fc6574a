"""Links that come by themselves, and go with what they come from."""

from uuid import UUID

from services.graph.ending import Ending
from services.graph.repository.endings import AT_ONCE, Endings
from shared.contracts.messages.messages import MessageDeleted, MessageEdited
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened
from shared.identifiers import new_id
from tests.service.graph.conftest import Service
from tests.service.graph.events import NOW, page_changed, posted, project_of, task


async def test_a_reply_is_linked_to_what_it_replies_to(graph: Service, ada: Principal) -> None:
    first = posted(new_id())
    reply = posted(first.message.thread_id, reply_to=first.message.id)
    await graph.hears(ada.workspace_id, first, reply)
    assert await graph.derived(reply.entity_id) == [("reply", first.entity_id)]


async def test_a_tasks_number_means_it_in_its_projects_thread_whichever_comes_first(graph: Service, ada: Principal) -> None:
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)):
        thread, project = new_id(), new_id()
        named, other = task(project, 12), task(new_id(), 12)
        said = posted(thread, content="<p>See #T-12, not #T-13 or x#T-12</p>")
        for event in ([said, named, project_of(project, thread)][place] for place in order):
            await graph.hears(ada.workspace_id, event, other)
        assert await graph.derived(said.entity_id) == [("reference", named.entity_id)]
        elsewhere = posted(new_id(), content="#T-12")
        await graph.hears(ada.workspace_id, elsewhere)
        assert await graph.derived(elsewhere.entity_id) == []


async def test_an_address_means_what_is_there(graph: Service, ada: Principal, project: UUID) -> None:
    file = new_id()
    said = posted(new_id(), content=f'<a href="https://atrium.example/api/projects/{project}/files/{file}">this</a>')
    await graph.hears(ada.workspace_id, said)
    assert await graph.derived(said.entity_id) == [("reference", file)]


async def test_an_edit_changes_the_links_and_a_late_event_does_not(graph: Service, ada: Principal) -> None:
    thread, project = new_id(), new_id()
    one, two = task(project, 1), task(project, 2)
    said = posted(thread, content="#T-1")
    await graph.hears(ada.workspace_id, project_of(project, thread), one, two, said)
    edited = said.message.model_copy(update={"content": "#T-2"})
    await graph.hears(ada.workspace_id, MessageEdited(entity_id=edited.id, version=2, message=edited))
    await graph.hears(ada.workspace_id, said)
    assert await graph.derived(said.entity_id) == [("reference", two.entity_id)]


async def test_a_deleted_message_loses_its_links(graph: Service, ada: Principal) -> None:
    first = posted(new_id())
    reply = posted(first.message.thread_id, reply_to=first.message.id)
    await graph.hears(ada.workspace_id, first, reply)
    gone = reply.message.model_copy(update={"content": "", "deleted_at": NOW})
    await graph.hears(ada.workspace_id, MessageDeleted(entity_id=gone.id, version=2, message=gone))
    assert await graph.derived(reply.entity_id) == []


async def test_what_is_in_a_project_goes_with_it_whichever_is_heard_first(graph: Service, ada: Principal) -> None:
    for order in ((0, 1), (1, 0)):
        project = new_id()
        inside, outside = task(project, 1), task(new_id(), 1)
        deleted = project_of(project, new_id(), Happened.DELETED)
        for event in ([inside, deleted][place] for place in order):
            await graph.hears(ada.workspace_id, event, outside)
        ids = [inside.entity_id, outside.entity_id]
        rows = await graph.database.fetch("SELECT id FROM graph.artifacts WHERE id = ANY($1) AND deleted", ids)
        assert [row["id"] for row in rows] == [inside.entity_id]


async def ended(graph: Service, ids: list[UUID]) -> set[UUID]:
    """Those that are gone, once all is done that is done by itself."""
    await Ending(Endings(graph.background)).once()
    rows = await graph.database.fetch("SELECT id FROM graph.artifacts WHERE id = ANY($1) AND deleted", ids)
    return {row["id"] for row in rows}


async def test_what_was_said_in_a_projects_thread_goes_with_it_whichever_is_heard_first(graph: Service, ada: Principal) -> None:
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        project, thread = new_id(), new_id()
        said, elsewhere = posted(thread), posted(new_id())
        reply = posted(thread, reply_to=said.entity_id)
        deleted = project_of(project, thread, Happened.DELETED)
        for event in ([said, reply, deleted][place] for place in order):
            await graph.hears(ada.workspace_id, event, elsewhere)
        assert await ended(graph, [said.entity_id, reply.entity_id, elsewhere.entity_id]) == {said.entity_id, reply.entity_id}


async def test_what_is_heard_late_of_a_deleted_projects_thread_brings_nothing_back(graph: Service, ada: Principal) -> None:
    project, thread = new_id(), new_id()
    said = posted(thread)
    await graph.hears(ada.workspace_id, said, project_of(project, thread, Happened.DELETED))
    assert await ended(graph, [said.entity_id]) == {said.entity_id}
    edited = said.message.model_copy(update={"content": "Late"})
    late = posted(thread)
    await graph.hears(ada.workspace_id, MessageEdited(entity_id=edited.id, version=2, message=edited), late)
    assert await ended(graph, [said.entity_id, late.entity_id]) == {said.entity_id, late.entity_id}


async def test_very_much_that_was_said_goes_a_part_at_a_time(graph: Service, ada: Principal) -> None:
    project, thread, count = new_id(), new_id(), AT_ONCE + 1
    await graph.database.execute(
        """INSERT INTO graph.artifacts (id, type, workspace_id, thread_id, title, version, created_at)
        SELECT uuidv7(), 'MESSAGE', $1, $2, '', 1, now() FROM generate_series(1, $3::int)""",
        *(ada.workspace_id, thread, count),
    )
    await graph.hears(ada.workspace_id, project_of(project, thread, Happened.DELETED))
    rows = await graph.database.fetch("SELECT id FROM graph.artifacts WHERE thread_id = $1", thread)
    assert len(await ended(graph, [row["id"] for row in rows])) == count


async def test_a_page_is_linked_to_its_file_and_follows_it(graph: Service, ada: Principal, project: UUID) -> None:
    first, second, page = new_id(), new_id(), new_id()
    for version, file in enumerate((first, second, None), 1):
        event = page_changed(project, page, "Landing", file, version, Happened.UPDATED)
        await graph.hears(ada.workspace_id, event)
        assert await graph.derived(page) == ([("page", file)] if file else [])
