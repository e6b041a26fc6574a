"""Who of many may read a thread: asked for what is told of it as it happens."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from shared.contracts.model import Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.principal import Principal


class SeenBy(View):
    """How one of the callers sees the thread; `place` is theirs in the list that was asked, the rest is as in `Access`."""

    place: int
    notes: bool
    hidden_robots: bool
    seen_from: Time | None = None
    joined_at: Time | None = None


class Audience(View):
    """Those alone who may read the thread, in the order asked; nobody may read one that is missing or deleted. project_id: whose it is."""

    project_id: UUID | None = None
    seen_by: list[SeenBy]


class CheckAudience(Request):
    """Who of these callers, all of one workspace, may read a thread."""

    workspace_id: UUID
    thread_id: UUID
    callers: Annotated[list[Principal], Field(min_length=1, max_length=1_000)]

    @model_validator(mode="after")
    def of_one_workspace(self) -> "CheckAudience":
        if any(caller.workspace_id != self.workspace_id for caller in self.callers):
            raise ValueError("a caller is of another workspace")
        return self


CHECK_AUDIENCE = Operation(CheckAudience, Audience, called_by=[GATEWAY], anonymous=True, timeout=3.0)
