"""What is learned from what others say: artifacts, and the links that come of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.graph.domain import Derived, DerivedLink, Place, references
from services.graph.repository.derived import Mention, ProjectThread
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.attachments.attachments import Attachment, AttachmentChanged, Change
from shared.contracts.messages.messages import Message
from shared.contracts.projects.access import Happened
from shared.contracts.projects.files import FileChanged
from shared.contracts.projects.pages import PageChanged
from shared.contracts.projects.tasks import TaskChanged
from shared.contracts.threads.threads import ThreadFacts
from shared.database.history import SYSTEM_ACTOR
from shared.preview import preview

_NOBODY = UUID(SYSTEM_ACTOR)


@dataclass(frozen=True, slots=True)
class Source:
    """All that comes of one thing, as it is now."""

    version: int
    links: Sequence[DerivedLink] = ()
    mentions: Sequence[Mention] = ()


@dataclass(slots=True)
class Learned:
    """sources: of which all links are known, so that others go. links: some of what comes of something. tasks: that may have been named."""

    artifacts: list[Artifact] = field(default_factory=list)
    sources: dict[UUID, Source] = field(default_factory=dict)
    links: list[DerivedLink] = field(default_factory=list)
    project_threads: list[ProjectThread] = field(default_factory=list)
    tasks: list[UUID] = field(default_factory=list)

    def join(self, other: "Learned") -> None:
        self.artifacts += other.artifacts
        for identifier, source in other.sources.items():
            before = self.sources.get(identifier)
            if before is None or before.version < source.version:
                self.sources[identifier] = source
        self.links += other.links
        self.project_threads += other.project_threads
        self.tasks += other.tasks


def of_thread(thread: ThreadFacts, version: int, workspace_id: UUID) -> Learned:
    known = Artifact(
        type=ArtifactType.THREAD,
        id=thread.id,
        workspace_id=workspace_id,
        project_id=thread.project_id,
        thread_id=thread.id,
        title=thread.title,
        deleted=False,
        version=version,
    )
    return Learned(artifacts=[known])


def of_task(event: TaskChanged, workspace_id: UUID) -> Learned:
    task = event.task
    known = _of_project(ArtifactType.TASK, event, workspace_id, task.title).model_copy(update={"number": task.number})
    return Learned(artifacts=[known], tasks=[known.id])


def of_file(event: FileChanged, workspace_id: UUID) -> Learned:
    return Learned(artifacts=[_of_project(ArtifactType.FILE, event, workspace_id, event.file.path)])


def of_page(event: PageChanged, workspace_id: UUID) -> Learned:
    """A page is linked to the file that was made from it."""
    page = event.page
    return made_of(_of_project(ArtifactType.PAGE, event, workspace_id, page.name), page.linked_file_id, page.updated_by)


def made_of(page: Artifact, file_id: UUID | None, by: UUID) -> Learned:
    """A page and all that comes of it."""
    ends = [Place(ArtifactType.FILE, file_id)] if file_id is not None and not page.deleted else []
    own = Place(ArtifactType.PAGE, page.id)
    links = [DerivedLink(own, end, Derived.PAGE, page.workspace_id, page.project_id, None, by) for end in ends]
    return Learned(artifacts=[page], sources={page.id: Source(page.version, links)})


def _of_project(kind: ArtifactType, event: TaskChanged | FileChanged | PageChanged, workspace_id: UUID, title: str) -> Artifact:
    return Artifact(
        type=kind,
        id=event.entity_id,
        workspace_id=workspace_id,
        project_id=event.project_id,
        thread_id=None,
        title=title,
        deleted=event.change is Happened.DELETED,
        version=event.version,
    )


def of_message(message: Message, version: int, workspace_id: UUID) -> Learned:
    """With its files, which are in it from the moment it is posted; a deleted one says nothing."""
    deleted = message.deleted_at is not None
    known = Artifact(
        type=ArtifactType.MESSAGE,
        id=message.id,
        workspace_id=workspace_id,
        project_id=None,
        thread_id=message.thread_id,
        title="" if deleted else preview(message.content),
        deleted=deleted,
        version=version,
    )
    content = "" if deleted else message.content
    learned = said(known, content, None if deleted else message.reply_to, message.author_id)
    for file in message.attachments:
        learned.artifacts.append(_file(file, 0, workspace_id, deleted=False))
        learned.links.append(file_of(learned.artifacts[-1], message.id, file.uploaded_by_id))
    return learned


def said(message: Artifact, content: str, reply_to: UUID | None, author_id: UUID | None) -> Learned:
    """A message and all that comes of what it says."""
    assert message.thread_id is not None, "every message is in a thread"
    by = author_id or _NOBODY
    named = references(content)
    ends = [(place, Derived.REFERENCE) for place in named.places]
    if reply_to is not None:
        ends.append((Place(ArtifactType.MESSAGE, reply_to), Derived.REPLY))
    own = Place(ArtifactType.MESSAGE, message.id)
    links = [DerivedLink(own, end, derived, message.workspace_id, None, message.thread_id, by) for end, derived in ends]
    mentions = [Mention(message.id, number, message.workspace_id, message.thread_id, by) for number in named.numbers]
    return Learned(artifacts=[message], sources={message.id: Source(message.version, links, mentions)})


def of_attachment(event: AttachmentChanged, workspace_id: UUID) -> Learned:
    file = event.attachment
    known = _file(file, event.version, workspace_id, deleted=event.change is Change.DELETED)
    links = [file_of(known, file.message_id, file.uploaded_by_id)] if file.message_id is not None and not known.deleted else []
    return Learned(artifacts=[known], links=links)


def file_of(file: Artifact, message_id: UUID, by: UUID) -> DerivedLink:
    """A file is linked to the message that has it."""
    own, message = Place(ArtifactType.ATTACHMENT, file.id), Place(ArtifactType.MESSAGE, message_id)
    return DerivedLink(own, message, Derived.ATTACHMENT, file.workspace_id, None, file.thread_id, by)


def _file(file: Attachment, version: int, workspace_id: UUID, *, deleted: bool) -> Artifact:
    return Artifact(
        type=ArtifactType.ATTACHMENT,
        id=file.id,
        workspace_id=workspace_id,
        project_id=None,
        thread_id=file.thread_id,
        title=file.filename,
        deleted=deleted,
        version=version,
    )
