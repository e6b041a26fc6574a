"""Projects: what a team works on."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, StringConstraints

from shared.contracts.model import Event, Nothing, Reason, Request, Text, Time, TrimmedText, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import Happened, ProjectIsArchived, ProjectNotFound, ProjectRole, ProjectRoleIsNotEnough
from shared.contracts.refusals import CursorIsNotValid

ProjectName = Annotated[TrimmedText, Field(min_length=1, max_length=255)]
ProjectDescription = Annotated[Text, StringConstraints(max_length=10_000)]
Limit = Annotated[int, Field(ge=1, le=200)]
Cursor = Annotated[str, Field(max_length=2_000)]


class ProjectFacts(View):
    """A project, for nobody in particular. threadId: of its own thread, in which its members take part."""

    id: UUID
    name: str
    description: str | None
    thread_id: UUID
    archived: bool
    created_by: UUID
    created_at: Time
    updated_at: Time
    version: int


class Project(ProjectFacts):
    """A project as one of its members sees it. role: theirs."""

    role: ProjectRole
    member_count: int


class ProjectPage(View):
    """Newest first."""

    projects: list[Project]
    has_more: bool
    next_cursor: str | None


class CreateProject(Request):
    """Begin a project; who does is its first owner. It has the columns To Do, In Progress and Done, and a thread."""

    name: ProjectName
    description: ProjectDescription | None = None


class GetProject(Request):
    project_id: UUID


class ListProjects(Request):
    """The projects that the caller is a member of. q: a part of the name."""

    archived: bool = False
    q: Annotated[Text, StringConstraints(min_length=1, max_length=200)] | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class ChangeProject(Request):
    """Change what is sent. An archived project takes `archived: false` alone."""

    project_id: UUID
    name: ProjectName = ""
    description: ProjectDescription | None = None
    archived: StrictBool = False
    reason: Reason | None = None


class DeleteProject(Request):
    """Delete a project with all that is in it; again changes nothing."""

    project_id: UUID
    reason: Reason | None = None


CREATE_PROJECT = Operation(CreateProject, Project, called_by=[GATEWAY], refuses=[ProjectNotFound], keyed=True)
GET_PROJECT = Operation(GetProject, Project, called_by=[GATEWAY], refuses=[ProjectNotFound])
LIST_PROJECTS = Operation(ListProjects, ProjectPage, called_by=[GATEWAY], refuses=[CursorIsNotValid], coalesced=False)
CHANGE_PROJECT = Operation(
    ChangeProject, Project, called_by=[GATEWAY], refuses=[ProjectNotFound, ProjectIsArchived, ProjectRoleIsNotEnough]
)
DELETE_PROJECT = Operation(DeleteProject, Nothing, called_by=[GATEWAY], refuses=[ProjectNotFound, ProjectRoleIsNotEnough])


class ProjectChanged(Event):
    """A project is there, is another than before, is archived (`updated`), restored or deleted."""

    change: Happened
    project: ProjectFacts
