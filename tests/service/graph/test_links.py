"""Links that people make."""

import asyncio
from contextlib import suppress
from random import Random
from uuid import UUID

import pytest

from services.graph.repository.artifacts import record
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import (
    GET_PROJECT_LINK,
    LINK_IN_PROJECT,
    UNLINK_IN_PROJECT,
    ArtifactLinkNotFound,
    GetProjectLink,
    LinkEndNotFound,
    LinkInProject,
    LinkType,
    UnlinkInProject,
)
from shared.contracts.principal import Principal
from shared.contracts.projects.access import ProjectIsArchived, ProjectNotFound
from shared.contracts.threads.access import ThreadIsReadOnlyForYou
from shared.identifiers import new_id
from tests.service.graph.conftest import Service
from tests.service.neighbours import principal


async def test_a_link_has_the_type_of_its_ends(graph: Service, ada: Principal, project: UUID) -> None:
    task, file, page, message, thread = (
        graph.owners.add(kind, ada.workspace_id, project_id=project)
        for kind in (ArtifactType.TASK, ArtifactType.FILE, ArtifactType.PAGE, ArtifactType.MESSAGE, ArtifactType.THREAD)
    )
    ends = ((task, file), (page, task), (message, task), (file, thread))
    made = [(await graph.link(source, target, ada, project)).type for source, target in ends]
    assert made == [LinkType.TASK_FILE, LinkType.TASK_PAGE, LinkType.TASK_MESSAGE, LinkType.LINKED_TO]


async def test_the_same_link_again_is_the_first(graph: Service, ada: Principal, bob: Principal, project: UUID) -> None:
    task, file = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    first = await graph.link(task, file, ada, project)
    assert await graph.link(task, file, bob, project) == first
    assert [name for name, _ in await graph.said(project)] == ["link_changed"]


async def test_of_many_who_link_the_same_at_once_all_get_the_one(graph: Service, ada: Principal, project: UUID) -> None:
    task, file = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    made = await asyncio.gather(*(graph.link(task, file, principal(workspace_id=ada.workspace_id), project) for _ in range(20)))
    assert len({link.id for link in made}) == 1
    assert [link.id for link in await graph.listed(project, ada)] == [made[0].id]


async def test_of_two_who_link_and_unlink_what_a_third_deletes_and_brings_back_nobody_sees_a_link_twice(
    graph: Service, ada: Principal, project: UUID
) -> None:
    things = [graph.owners.add(ArtifactType.TASK, ada.workspace_id, project_id=project) for _ in range(3)]

    async def links(place: int) -> None:
        random, person = Random(place), principal(workspace_id=ada.workspace_id)
        for _ in range(30):
            source, target = random.sample(things, 2)
            with suppress(LinkEndNotFound, ArtifactLinkNotFound):  # an end was deleted before, or meanwhile
                await graph.unlink(await graph.link(source, target, person, project), person)

    async def deletes() -> None:
        for place in range(60):
            changed = graph.owners.change(things[place % 3], deleted=place % 2 == 0)
            async with graph.background.installation() as connection:
                await record(connection, [changed])
            await asyncio.sleep(0.005)

    await asyncio.gather(links(1), links(2), deletes())
    for thing in things:
        graph.owners.change(thing, deleted=False)
    left = await graph.listed(project, ada)
    ends = [(link.source_id, link.target_id) for link in left]
    assert len(ends) == len(set(ends))
    said: dict[str, list[str]] = {}
    for _, event in await graph.said(project):
        said.setdefault(event["entityId"], []).append(event["change"])
    assert {link for link, changes in said.items() if changes == ["created"]} == {str(link.id) for link in left}
    assert {tuple(changes) for changes in said.values()} <= {("created",), ("created", "deleted")}


async def test_ends_that_are_missing_hidden_or_elsewhere_are_refused_alike(graph: Service, ada: Principal, project: UUID) -> None:
    task, hidden = (graph.owners.add(ArtifactType.TASK, ada.workspace_id) for _ in range(2))
    graph.owners.hidden.add((ada.user_id, hidden.id))
    elsewhere = graph.owners.add(ArtifactType.TASK, new_id())
    for target in (hidden.id, elsewhere.id, new_id()):
        request = LinkInProject(
            project_id=project, source_type=ArtifactType.TASK, source_id=task.id, target_type=ArtifactType.TASK, target_id=target
        )
        with pytest.raises(LinkEndNotFound) as refused:
            await graph.gateway(LINK_IN_PROJECT, request, ada)
        assert [error.field for error in refused.value.errors] == ["targetId"]


async def test_an_end_of_another_type_than_is_said_is_refused(graph: Service, ada: Principal, project: UUID) -> None:
    task, file = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    with pytest.raises(LinkEndNotFound):
        await graph.link(task, file.model_copy(update={"type": ArtifactType.PAGE}), ada, project)


async def test_who_is_no_member_of_a_project_neither_links_nor_lists(graph: Service, ada: Principal, bob: Principal, project: UUID) -> None:
    task, file = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    graph.owners.outside.add((bob.user_id, project))
    with pytest.raises(ProjectNotFound):
        await graph.link(task, file, bob, project)
    with pytest.raises(ProjectNotFound):
        await graph.listed(project, bob)


async def test_an_archived_project_keeps_its_links_as_they_are(graph: Service, ada: Principal, project: UUID) -> None:
    task, file, page = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE, ArtifactType.PAGE))
    link = await graph.link(task, file, ada, project)
    graph.owners.archived.add(project)
    with pytest.raises(ProjectIsArchived):
        await graph.link(task, page, ada, project)
    with pytest.raises(ProjectIsArchived):
        await graph.unlink(link, ada)
    assert await graph.listed(project, ada) == [link]


async def test_a_thread_has_links_without_a_project(graph: Service, ada: Principal, bob: Principal) -> None:
    thread = new_id()
    message, file = (graph.owners.add(kind, ada.workspace_id, thread_id=thread) for kind in (ArtifactType.MESSAGE, ArtifactType.ATTACHMENT))
    link = await graph.link_in_thread(message, file, ada, thread)
    assert (link.project_id, link.thread_id) == (None, thread)
    graph.owners.readers.add((bob.user_id, thread))
    with pytest.raises(ThreadIsReadOnlyForYou):
        await graph.link_in_thread(file, message, bob, thread)


async def test_a_list_leaves_out_what_its_reader_sees_one_end_of(graph: Service, ada: Principal, bob: Principal, project: UUID) -> None:
    task, file, page = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE, ArtifactType.PAGE))
    first, second = await graph.link(task, file, ada, project), await graph.link(task, page, ada, project)
    graph.owners.hidden.add((bob.user_id, page.id))
    assert await graph.listed(project, ada) == [second, first]
    assert await graph.listed(project, bob) == [first]


async def test_a_link_that_was_taken_away_is_gone_and_may_be_taken_away_again(graph: Service, ada: Principal, project: UUID) -> None:
    task, file = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    link = await graph.link(task, file, ada, project)
    await graph.unlink(link, ada)
    await graph.unlink(link, ada)
    assert await graph.listed(project, ada) == []
    assert await graph.ids_related(task, ada) == []
    again = await graph.link(task, file, ada, project)
    assert again.id != link.id


async def test_a_link_of_another_project_or_to_something_hidden_is_not_there(
    graph: Service, ada: Principal, bob: Principal, project: UUID
) -> None:
    task, file = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    link = await graph.link(task, file, ada, project)
    with pytest.raises(ArtifactLinkNotFound):
        await graph.gateway(UNLINK_IN_PROJECT, UnlinkInProject(project_id=new_id(), link_id=link.id), ada)
    graph.owners.hidden.add((bob.user_id, file.id))
    with pytest.raises(ArtifactLinkNotFound):
        await graph.unlink(link, bob)
    assert await graph.listed(project, ada) == [link]


async def test_a_link_is_shown_in_its_project_alone_to_who_sees_both_ends_until_it_is_taken_away(
    graph: Service, ada: Principal, bob: Principal, project: UUID
) -> None:
    task, file = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    link = await graph.link(task, file, ada, project)
    graph.owners.hidden.add((bob.user_id, file.id))
    asked = GetProjectLink(project_id=project, link_id=link.id)
    assert await graph.gateway(GET_PROJECT_LINK, asked, ada) == link
    for request, caller in ((asked, bob), (asked.model_copy(update={"project_id": new_id()}), ada)):
        with pytest.raises(ArtifactLinkNotFound):
            await graph.gateway(GET_PROJECT_LINK, request, caller)
    await graph.unlink(link, ada)
    with pytest.raises(ArtifactLinkNotFound):
        await graph.gateway(GET_PROJECT_LINK, asked, ada)


async def test_a_deleted_things_links_are_gone_at_once(graph: Service, ada: Principal, project: UUID) -> None:
    task, file = (graph.owners.add(kind, ada.workspace_id) for kind in (ArtifactType.TASK, ArtifactType.FILE))
    await graph.link(task, file, ada, project)
    graph.owners.change(file, deleted=True)
    assert await graph.listed(project, ada) == []
    assert await graph.ids_related(task, ada) == []
