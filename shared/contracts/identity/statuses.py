"""How users are: what they say of it, and when they were here last."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.model import Nothing, Request, Time, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.permissions import Permission


class UserStatus(View):
    user_id: UUID
    current_status: str
    last_seen_at: Time | None


class UserStatuses(View):
    statuses: list[UserStatus]


class FindStatuses(Request):
    """Of those of these users whom the caller may find, as in `GetUser`; the others are left out."""

    user_ids: Annotated[list[UUID], Field(max_length=200)]


class NoteSeen(Request):
    """That these users are here right now."""

    user_ids: Annotated[list[UUID], Field(max_length=1_000)]


FINDING = Permission.USER_READ
"""What one needs to find users at all."""

FIND_STATUSES = Operation(FindStatuses, UserStatuses, called_by=[GATEWAY], timeout=3.0)
NOTE_SEEN = Operation(NoteSeen, Nothing, called_by=[GATEWAY], anonymous=True, coalesced=False, timeout=3.0)
