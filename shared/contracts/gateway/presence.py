"""Who is here: users, and who looks at which project, file or page (spec 4, Presence)."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from shared.contracts.model import Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.projects.access import ProjectNotFound
from shared.contracts.projects.files import FileNotFound
from shared.contracts.projects.pages import PageNotFound
from shared.contracts.refusals import Conflict

MOST_USERS = 200

_UUID = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"


class Presence(StrEnum):
    """What their connections say of somebody. `unknown`: what knows it is away."""

    ONLINE = "online"
    AWAY = "away"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class UserPresence(View):
    """`currentStatus` is what they say of themselves (their profile)."""

    user_id: UUID
    presence: Presence
    current_status: str
    last_seen_at: Time | None


class UserPresences(View):
    """Those whom the caller may find, in the order in which they were asked for."""

    users: list[UserPresence]


class PlacePresence(View):
    """Who looks at a project, or at a file or a page of it. known: whether that can be said right now."""

    project_id: UUID
    file_id: UUID | None = None
    page_id: UUID | None = None
    users: list[UUID]
    known: bool


class GetPresence(Request):
    """Of these users, by their ids with commas between: at most 200. Others than the caller may find are left out."""

    users: Annotated[str, StringConstraints(pattern=f"^{_UUID}(?:,{_UUID}){{0,{MOST_USERS - 1}}}$")]

    @property
    def user_ids(self) -> list[UUID]:
        return list(dict.fromkeys(map(UUID, self.users.split(","))))


class GetProjectPresence(Request):
    """Who looks at a project."""

    project_id: UUID


class GetFilePresence(Request):
    """Who looks at a file."""

    project_id: UUID
    file_id: UUID


class GetPagePresence(Request):
    """Who looks at a page."""

    project_id: UUID
    page_id: UUID


class ShowPresence(Request):
    """What a frame `presence` says: one of the things that it may be about.

    users: whose presence the connection is told from now on, instead of those before. looking: at the project, file or page, or no more.
    status: how its user is at this device.
    """

    users: Annotated[list[UUID], Field(max_length=MOST_USERS)] | None = None
    project_id: UUID | None = None
    file_id: UUID | None = None
    page_id: UUID | None = None
    looking: bool = True
    status: Literal[Presence.ONLINE, Presence.AWAY] | None = None

    @model_validator(mode="after")
    def about_one_thing(self) -> "ShowPresence":
        about = (self.users, self.project_id, self.file_id, self.page_id, self.status)
        if sum(one is not None for one in about) != 1:
            raise ValueError("is about one of users, projectId, fileId, pageId and status")
        return self


class PlacesAreTooMany(Conflict):
    """You look at as many projects, files and pages as one connection may."""


class OwnPresence(View):
    """How the caller is at this device."""

    presence: Presence


GET_PRESENCE = Operation(GetPresence, UserPresences, called_by=[GATEWAY])
GET_PROJECT_PRESENCE = Operation(GetProjectPresence, PlacePresence, called_by=[GATEWAY], refuses=[ProjectNotFound])
GET_FILE_PRESENCE = Operation(GetFilePresence, PlacePresence, called_by=[GATEWAY], refuses=[ProjectNotFound, FileNotFound])
GET_PAGE_PRESENCE = Operation(GetPagePresence, PlacePresence, called_by=[GATEWAY], refuses=[ProjectNotFound, PageNotFound])
