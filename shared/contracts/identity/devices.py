"""Where people are signed in: their own sessions, which they see and end."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.model import Nothing, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import CursorIsNotValid, NotFound


class OwnSession(View):
    """One sign-in, with the address and user agent that it was made from. `current`: the one that asks. `lastUsedAt` is to the minute."""

    id: UUID
    user_agent: str | None
    address: str | None
    created_at: Time
    last_used_at: Time
    expires_at: Time
    current: bool


class OwnSessionPage(View):
    sessions: list[OwnSession]
    has_more: bool
    next_cursor: str | None


class SessionNotFound(NotFound):
    """The caller has no such session."""


class ListOwnSessions(Request):
    """The caller's sessions that live, newest first."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = None


class GetOwnSession(Request):
    """One of the caller's sessions that live."""

    session_id: UUID


class EndOwnSession(Request):
    """End one of the caller's sessions."""

    session_id: UUID


class EndOtherSessions(Request):
    """End all of the caller's sessions but the one that asks."""


LIST_OWN_SESSIONS = Operation(ListOwnSessions, OwnSessionPage, called_by=[GATEWAY], refuses=[CursorIsNotValid], coalesced=False)
GET_OWN_SESSION = Operation(GetOwnSession, OwnSession, called_by=[GATEWAY], refuses=[SessionNotFound])
END_OWN_SESSION = Operation(EndOwnSession, Nothing, called_by=[GATEWAY], refuses=[SessionNotFound])
END_OTHER_SESSIONS = Operation(EndOtherSessions, Nothing, called_by=[GATEWAY])
