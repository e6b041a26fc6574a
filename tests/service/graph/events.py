"""What others tell the graph of their things."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.contracts.artifacts import ArtifactType
from shared.contracts.messages.messages import MessageDeleted, MessageEdited, MessagePosted
from shared.contracts.model import Event
from shared.contracts.projects.access import Happened
from shared.contracts.projects.files import FileChanged, FileEntry, FileType
from shared.contracts.projects.pages import PageChanged, SitePageEntry
from shared.contracts.projects.projects import ProjectChanged, ProjectFacts
from shared.contracts.projects.tasks import Task, TaskChanged
from shared.identifiers import new_id
from tests.service.attachments.neighbours import message as made_message
from tests.service.graph.model import Told

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IN_ADDRESSES = {ArtifactType.TASK: "tasks", ArtifactType.FILE: "files", ArtifactType.PAGE: "pages"}


def posted(thread: UUID, **fields: Any) -> MessagePosted:
    message = made_message(thread).model_copy(update=fields)
    return MessagePosted(entity_id=message.id, version=1, message=message)


def task(project: UUID, number: int, version: int = 1, change: Happened = Happened.CREATED) -> TaskChanged:
    fields = dict.fromkeys(("description", "assignee_id", "due_date", "priority"))
    made = Task.model_validate(
        {
            **fields,
            **dict.fromkeys(("id", "column_id", "created_by"), new_id()),
            **dict.fromkeys(("created_at", "updated_at"), NOW),
            "project_id": project,
            "number": number,
            "title": f"Task {number}",
            "status": "TODO",
            "position": 1,
            "version": version,
        }
    )
    return TaskChanged(entity_id=made.id, version=version, project_id=project, change=change, task=made)


def project_of(project: UUID, thread: UUID, change: Happened = Happened.CREATED) -> ProjectChanged:
    facts = ProjectFacts(
        id=project,
        name="Atrium",
        description=None,
        thread_id=thread,
        archived=False,
        created_by=new_id(),
        created_at=NOW,
        updated_at=NOW,
        version=1,
    )
    return ProjectChanged(entity_id=project, version=1, change=change, project=facts)


def page_changed(project: UUID, identifier: UUID, name: str, file: UUID | None, version: int, change: Happened) -> PageChanged:
    entry = SitePageEntry(
        id=identifier,
        project_id=project,
        name=name,
        route="/",
        linked_file_id=file,
        created_by=new_id(),
        updated_by=new_id(),
        created_at=NOW,
        updated_at=NOW,
        version=version,
    )
    return PageChanged(entity_id=identifier, version=version, project_id=project, change=change, page=entry)


def event_of(told: Told) -> Event:
    """As its owner puts it."""
    thing, others = told.thing, told.says.of
    change = Happened.DELETED if thing.deleted else Happened.UPDATED
    if thing.project_id is None:
        return _message(told)
    match thing.type:
        case ArtifactType.TASK:
            event = task(thing.project_id, thing.number or 0, thing.version, change)
            named = event.task.model_copy(update={"id": thing.id, "title": thing.title})
            return event.model_copy(update={"entity_id": thing.id, "task": named})
        case ArtifactType.FILE:
            file = FileEntry(
                id=thing.id,
                project_id=thing.project_id,
                path=thing.title,
                name=thing.title,
                type=FileType.CODE,
                language=None,
                size=0,
                created_by=thing.id,
                updated_by=thing.id,
                created_at=NOW,
                updated_at=NOW,
                version=thing.version,
            )
            return FileChanged(entity_id=thing.id, version=thing.version, project_id=thing.project_id, change=change, file=file)
        case _:
            linked = others[0].id if others else None
            return page_changed(thing.project_id, thing.id, thing.title, linked, thing.version, change)


def _message(told: Told) -> Event:
    thing = told.thing
    assert thing.thread_id is not None
    reply_to = next((other.id for other in told.says.of if other.type is ArtifactType.MESSAGE), None)
    addresses = [
        f'<a href="/api/projects/{other.project_id}/{IN_ADDRESSES[other.type]}/{other.id}">it</a>'
        for other in told.says.of
        if other.type in IN_ADDRESSES
    ]
    content = "" if thing.deleted else " ".join([thing.title, *addresses, *(f"#T-{number}" for number in told.says.numbers)])
    message = made_message(thing.thread_id, identifier=thing.id).model_copy(
        update={"content": content, "reply_to": reply_to, "deleted_at": NOW if thing.deleted else None}
    )
    made = MessageDeleted if thing.deleted else MessagePosted if thing.version == 1 else MessageEdited
    return made(entity_id=thing.id, version=thing.version, message=message)
