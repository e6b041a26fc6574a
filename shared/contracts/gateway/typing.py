"""Who types in a thread (spec 1, Read Receipts & Presence)."""

from uuid import UUID

from shared.contracts.model import Nothing, Request, View
from shared.contracts.operations import GATEWAY, Operation
from shared.contracts.refusals import PermissionIsMissing
from shared.contracts.threads.access import ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, ThreadNotFound

MOST_SHOWN = 100


class Typist(View):
    """Somebody who types right now."""

    user_id: UUID
    name: str


class Typists(View):
    """Who types in a thread, the caller aside: the first hundred."""

    thread_id: UUID
    typing: list[Typist]


class SetTyping(Request):
    """Say that the caller types in a thread, or types no more. It is over by itself after six seconds, unless it is said again."""

    thread_id: UUID
    is_typing: bool = True


class GetTyping(Request):
    """Who types in a thread right now."""

    thread_id: UUID


SET_TYPING = Operation(
    SetTyping,
    Nothing,
    called_by=[GATEWAY],
    refuses=[ThreadNotFound, ThreadIsArchived, ThreadIsClosed, ThreadIsReadOnlyForYou, PermissionIsMissing],
)
GET_TYPING = Operation(GetTyping, Typists, called_by=[GATEWAY], refuses=[ThreadNotFound])
