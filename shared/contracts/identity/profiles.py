"""Profiles: what people say of themselves, and who finds them."""

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field

from shared.contracts.identity.users import Myself, Name, User, UserNotFound, UserPage
from shared.contracts.model import Event, Request, Text, TrimmedText, storable_json
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import Conflict, CursorIsNotValid

PREFERENCES_BYTES = 16 * 1024
USERNAME = "^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"


class CurrentStatus(StrEnum):
    """What people say of their presence."""

    ONLINE = "online"
    AWAY = "away"
    BUSY = "busy"
    OFFLINE = "offline"


def _is_https(value: str) -> str:
    """A picture that browsers load from elsewhere: by https alone, without anybody's password in it."""
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
        raise ValueError("is no https URL")
    if not value.isprintable() or any(character in value for character in " \"'<>\\"):
        raise ValueError("holds characters that no URL has")
    return value


AvatarUrl = Annotated[Text, Field(max_length=512, json_schema_extra={"format": "uri"}), AfterValidator(_is_https)]
Username = Annotated[str, Field(pattern=USERNAME)]
DisplayName = Annotated[TrimmedText, Field(min_length=1, max_length=255)]
Preferences = Annotated[dict[str, Any], AfterValidator(storable_json(PREFERENCES_BYTES))]


class UsernameIsTaken(Conflict):
    """There is a user with this username already."""


class GetUser(Request):
    """A user of the caller's workspace. Clients and guests see those who serve them, and themselves."""

    user_id: UUID


class SearchUsers(Request):
    """Users of the caller's workspace whose username, name or display name has a word from which on it begins with `q`; all, without.
    Clients and guests find those who serve them, and themselves."""

    q: Annotated[Text, Field(max_length=100)] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=2_000)] | None = None


class ChangeMe(Request):
    """The fields that are sent change; `displayName` and `avatarUrl` are taken away by null."""

    username: Username = ""
    name: Name = ""
    display_name: DisplayName | None = None
    avatar_url: AvatarUrl | None = None
    current_status: CurrentStatus = CurrentStatus.OFFLINE
    preferences: Preferences = {}


GET_USER = Operation(GetUser, User, called_by=[GATEWAY], refuses=[UserNotFound])
SEARCH_USERS = Operation(SearchUsers, UserPage, called_by=[GATEWAY], refuses=[CursorIsNotValid], coalesced=False)
CHANGE_ME = Operation(ChangeMe, Myself, called_by=[GATEWAY], refuses=[UserNotFound, UsernameIsTaken])


class UserChanged(Event):
    """Somebody has another profile, as this workspace of theirs sees it; without the email."""

    user: User
