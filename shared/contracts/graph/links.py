"""Links: directed, typed relations between two artifacts."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from shared.contracts.artifacts import ArtifactType
from shared.contracts.model import Event, Nothing, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import ProjectIsArchived, ProjectNotFound
from shared.contracts.refusals import Conflict, CursorIsNotValid, Invalid, NotFound, RequestIsInvalid
from shared.contracts.threads.access import ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound


class LinkType(StrEnum):
    """By what a link's ends are (spec 4, Relationship Types)."""

    LINKED_TO = "LINKED_TO"
    TASK_FILE = "TASK_FILE"
    TASK_PAGE = "TASK_PAGE"
    TASK_MESSAGE = "TASK_MESSAGE"


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


AnyCaseType = Annotated[ArtifactType, BeforeValidator(_upper)]
"""`TASK` as in JSON, or `task` as in paths."""


class ArtifactLink(View):
    """Source to target. derived: nobody made it; it comes from a reply, a file's message, a reference, and goes with that.

    projectId or threadId: whose list it is in; a derived one may be in none.
    """

    id: UUID
    project_id: UUID | None
    thread_id: UUID | None
    source_type: ArtifactType
    source_id: UUID
    target_type: ArtifactType
    target_id: UUID
    type: LinkType
    derived: bool
    created_by: UUID
    created_at: Time


class ArtifactLinkPage(View):
    """Newest first: those whose both ends the caller sees. A page may hold fewer than `limit` while there are more."""

    links: list[ArtifactLink]
    has_more: bool
    next_cursor: str | None


class ArtifactLinkNotFound(NotFound):
    """There is no such link, or it is not yours to see."""


class LinkIsDerived(Conflict):
    """This link comes from something else, and goes with that alone."""


class LinkEndNotFound(Invalid):
    """What the link would begin or end at is not there, or not yours to see; `errors` says which."""


class Ends(Request):
    """What is linked to what."""

    source_type: AnyCaseType
    source_id: UUID
    target_type: AnyCaseType
    target_id: UUID

    @model_validator(mode="after")
    def two_things(self) -> "Ends":
        if self.source_id == self.target_id:
            raise ValueError("a link is between two things")
        return self


class LinkInProject(Ends):
    """Link two things in a project, as one of its members; the same again is answered with the first."""

    project_id: UUID


class CheckLinkEnds(Ends):
    """Whether the caller sees both ends of a link: asked before they are told of it."""


class LinkEndsSeen(View):
    """seen: both."""

    seen: bool


class LinkInThread(Ends):
    """Link two things in a thread, as who may post there; the same again is answered with the first."""

    thread_id: UUID


class _Listed(Request):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class ListProjectLinks(_Listed):
    """A project's links."""

    project_id: UUID


class ListThreadLinks(_Listed):
    """A thread's links."""

    thread_id: UUID


class GetProjectLink(Request):
    """One link of a project."""

    project_id: UUID
    link_id: UUID


class GetThreadLink(Request):
    """One link of a thread."""

    thread_id: UUID
    link_id: UUID


class UnlinkInProject(Request):
    """Take a link of a project away; again changes nothing."""

    project_id: UUID
    link_id: UUID


class UnlinkInThread(Request):
    """Take a link of a thread away; again changes nothing."""

    thread_id: UUID
    link_id: UUID


_THREAD = (ThreadNotFound, ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou)

LINK_IN_PROJECT = Operation(
    LinkInProject,
    ArtifactLink,
    called_by=[GATEWAY],
    refuses=[ProjectNotFound, ProjectIsArchived, LinkEndNotFound, RequestIsInvalid],
    keyed=True,
)
LINK_IN_THREAD = Operation(
    LinkInThread, ArtifactLink, called_by=[GATEWAY], refuses=[*_THREAD, LinkEndNotFound, RequestIsInvalid], keyed=True
)
LIST_PROJECT_LINKS = Operation(
    ListProjectLinks, ArtifactLinkPage, called_by=[GATEWAY], refuses=[ProjectNotFound, CursorIsNotValid], coalesced=False
)
LIST_THREAD_LINKS = Operation(
    ListThreadLinks, ArtifactLinkPage, called_by=[GATEWAY], refuses=[ThreadNotFound, CursorIsNotValid], coalesced=False
)
GET_PROJECT_LINK = Operation(GetProjectLink, ArtifactLink, called_by=[GATEWAY], refuses=[ProjectNotFound, ArtifactLinkNotFound])
GET_THREAD_LINK = Operation(GetThreadLink, ArtifactLink, called_by=[GATEWAY], refuses=[ThreadNotFound, ArtifactLinkNotFound])
CHECK_LINK_ENDS = Operation(CheckLinkEnds, LinkEndsSeen, called_by=[GATEWAY], timeout=3.0)
UNLINK_IN_PROJECT = Operation(
    UnlinkInProject, Nothing, called_by=[GATEWAY], refuses=[ProjectNotFound, ArtifactLinkNotFound, ProjectIsArchived, LinkIsDerived]
)
UNLINK_IN_THREAD = Operation(UnlinkInThread, Nothing, called_by=[GATEWAY], refuses=[*_THREAD, ArtifactLinkNotFound, LinkIsDerived])


class Happened(StrEnum):
    """What became of a link."""

    CREATED = "created"
    DELETED = "deleted"


class LinkChanged(Event):
    """Somebody linked two things, or took the link away. Derived ones come and go without a word, with what they come from."""

    change: Happened
    link: ArtifactLink
