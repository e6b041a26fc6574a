"""What was in a project before each change, for auditors."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.contracts.model import Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import ProjectNotFound
from shared.contracts.projects.projects import Cursor, Limit
from shared.contracts.refusals import CursorIsNotValid


class ProjectThing(StrEnum):
    PROJECT = "project"
    MEMBER = "member"
    COLUMN = "column"
    TASK = "task"
    FILE = "file"
    PAGE = "page"


class ProjectChange(View):
    """One change: what was there before it, without contents and structures, who made it, and why where they said so.

    `before` is empty for those who came (`INSERT`).
    """

    id: UUID
    kind: ProjectThing
    target_id: UUID
    operation: str
    changed_at: Time
    changed_by: UUID
    reason: str | None
    before: dict[str, Any]


class ProjectChangePage(View):
    """Newest first."""

    changes: list[ProjectChange]
    has_more: bool
    next_cursor: str | None


class GetProjectHistory(Request):
    """The changes of a project and of all that is in it."""

    project_id: UUID
    limit: Limit = 50
    cursor: Cursor | None = None


GET_PROJECT_HISTORY = Operation(
    GetProjectHistory, ProjectChangePage, called_by=[GATEWAY], refuses=[ProjectNotFound, CursorIsNotValid], coalesced=False
)
