"""Who of many are in a project: asked for its thread, and for what is told of it as it happens."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.model import Request, Time, View
from shared.contracts.operations import GATEWAY, THREADS, Operation
from shared.contracts.projects.access import ProjectRole


class ProjectSeenBy(View):
    """What a member of the project is in it."""

    user_id: UUID
    role: ProjectRole
    joined_at: Time


class ProjectAudience(View):
    """Those alone who see the project, in no order; nobody sees one that is missing or deleted. former: who were in one that is deleted."""

    archived: bool
    members: list[ProjectSeenBy]
    former: list[UUID] = []


class CheckProjectAudience(Request):
    """Who of these users of a workspace see a project."""

    workspace_id: UUID
    project_id: UUID
    users: Annotated[list[UUID], Field(min_length=1, max_length=1_000)]


CHECK_PROJECT_AUDIENCE = Operation(CheckProjectAudience, ProjectAudience, called_by=[GATEWAY, THREADS], anonymous=True, timeout=3.0)
