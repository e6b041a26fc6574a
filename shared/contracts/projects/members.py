"""Who is in a project, and what they are there."""

from uuid import UUID

from shared.contracts.model import Event, Nothing, Reason, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.principal import Role
from shared.contracts.projects.access import Happened, ProjectIsArchived, ProjectNotFound, ProjectRole, ProjectRoleIsNotEnough
from shared.contracts.projects.projects import Cursor, Limit
from shared.contracts.refusals import Conflict, CursorIsNotValid, NotFound, RequestIsInvalid


class ProjectMember(View):
    """Somebody in a project. name, workspaceRole: as they were when they came in."""

    id: UUID
    project_id: UUID
    user_id: UUID
    role: ProjectRole
    name: str
    workspace_role: Role
    joined_at: Time
    version: int


class ProjectMemberPage(View):
    """In the order in which they came."""

    members: list[ProjectMember]
    has_more: bool
    next_cursor: str | None


class ProjectMemberNotFound(NotFound):
    """Nobody in this project has this id."""


class AlreadyInTheProject(Conflict):
    """They are a member of the project already."""


class ProjectNeedsAnOwner(Conflict):
    """The last owner stays; make another member one first."""


class ProjectIsFull(Conflict):
    """As many are in the project as may be."""


class ListProjectMembers(Request):
    project_id: UUID
    role: ProjectRole | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class GetProjectMember(Request):
    """One member, by their id there or their userId."""

    project_id: UUID
    member_id: UUID


class AddProjectMember(Request):
    """Take a member of the workspace into a project. Owners alone make owners."""

    project_id: UUID
    user_id: UUID
    role: ProjectRole = ProjectRole.MEMBER
    reason: Reason | None = None


class ChangeProjectMember(Request):
    """Give a member another role. Owners alone make owners; where all of them have left the workspace, those next below do."""

    project_id: UUID
    member_id: UUID
    role: ProjectRole
    reason: Reason | None = None


class RemoveProjectMember(Request):
    """Take somebody out of a project; who names themself leaves it."""

    project_id: UUID
    member_id: UUID
    reason: Reason | None = None


_REFUSES = (ProjectNotFound, ProjectIsArchived, ProjectRoleIsNotEnough)
LIST_PROJECT_MEMBERS = Operation(
    ListProjectMembers, ProjectMemberPage, called_by=[GATEWAY], refuses=[ProjectNotFound, CursorIsNotValid], coalesced=False
)
GET_PROJECT_MEMBER = Operation(GetProjectMember, ProjectMember, called_by=[GATEWAY], refuses=[ProjectNotFound, ProjectMemberNotFound])
ADD_PROJECT_MEMBER = Operation(
    AddProjectMember,
    ProjectMember,
    called_by=[GATEWAY],
    refuses=[*_REFUSES, AlreadyInTheProject, ProjectIsFull, RequestIsInvalid],
    keyed=True,
)
CHANGE_PROJECT_MEMBER = Operation(
    ChangeProjectMember, ProjectMember, called_by=[GATEWAY], refuses=[*_REFUSES, ProjectMemberNotFound, ProjectNeedsAnOwner]
)
REMOVE_PROJECT_MEMBER = Operation(
    RemoveProjectMember, Nothing, called_by=[GATEWAY], refuses=[*_REFUSES, ProjectMemberNotFound, ProjectNeedsAnOwner]
)


class MemberChanged(Event):
    """Somebody came into a project, has another role there, or is gone."""

    project_id: UUID
    change: Happened
    member: ProjectMember
