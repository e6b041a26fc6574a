"""Who may do what in a project."""

from enum import StrEnum
from uuid import UUID

from shared.contracts.model import Request, Time, View
from shared.contracts.operations import GATEWAY, GRAPH, THREADS, Operation
from shared.contracts.refusals import Conflict, Forbidden, NotFound


class ProjectRole(StrEnum):
    """A member's role in a project (spec 4, project_members), from the most to the least."""

    OWNER = "OWNER"
    MAINTAINER = "MAINTAINER"
    MEMBER = "MEMBER"


class Happened(StrEnum):
    """What became of a thing, in an event about it."""

    CREATED = "created"
    UPDATED = "updated"
    MOVED = "moved"
    DELETED = "deleted"
    RESTORED = "restored"


class ProjectAccess(View):
    """What the caller is in a project that they see."""

    project_id: UUID
    role: ProjectRole
    archived: bool
    joined_at: Time


class ProjectNotFound(NotFound):
    """There is no such project, or it is not yours to see."""


class ProjectIsArchived(Conflict):
    """The project is archived; nothing can be changed in it."""


class ProjectRoleIsNotEnough(Forbidden):
    """You see this project, and your role in it does not let you do this."""


class CheckProjectAccess(Request):
    """What the caller is in a project; refused to who is no member of it."""

    project_id: UUID


CHECK_PROJECT_ACCESS = Operation(
    CheckProjectAccess, ProjectAccess, called_by=[GATEWAY, THREADS, GRAPH], refuses=[ProjectNotFound], timeout=3.0
)
