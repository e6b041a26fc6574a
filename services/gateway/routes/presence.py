"""Who is here, and who types, over HTTP."""

from services.gateway.replies import NoContent, Ok
from services.gateway.routing import Call, route
from shared.contracts.gateway.presence import (
    GET_FILE_PRESENCE,
    GET_PAGE_PRESENCE,
    GET_PRESENCE,
    GET_PROJECT_PRESENCE,
    GetFilePresence,
    GetPagePresence,
    GetPresence,
    GetProjectPresence,
    PlacePresence,
    UserPresences,
)
from shared.contracts.gateway.typing import GET_TYPING, SET_TYPING, GetTyping, SetTyping, Typists
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal

TYPING = "/api/collab/threads/{threadId}/typing"
PROJECT = "/api/projects/{projectId}"


@route("POST", TYPING, SET_TYPING, needs=Permission.MESSAGE_SEND)
async def set_typing(request: SetTyping, caller: Principal, call: Call) -> NoContent:
    """Say that the caller types in a thread, or types no more."""
    await call.answer(SET_TYPING, request, caller)
    return NoContent()


@route("GET", TYPING, GET_TYPING, needs=Permission.MESSAGE_READ)
async def get_typing(request: GetTyping, caller: Principal, call: Call) -> Ok[Typists]:
    """Who types in a thread right now, the caller aside."""
    return Ok(await call.answer(GET_TYPING, request, caller))


@route("GET", "/api/collab/presence", GET_PRESENCE, needs=Permission.USER_READ)
async def get_presence(request: GetPresence, caller: Principal, call: Call) -> Ok[UserPresences]:
    """Whether users are online, away or offline, what they say of themselves, and when they were here last."""
    return Ok(await call.answer(GET_PRESENCE, request, caller))


@route("GET", f"{PROJECT}/presence", GET_PROJECT_PRESENCE, needs=Permission.PROJECT_READ)
async def get_project_presence(request: GetProjectPresence, caller: Principal, call: Call) -> Ok[PlacePresence]:
    """Who looks at a project; for its members."""
    return Ok(await call.answer(GET_PROJECT_PRESENCE, request, caller))


@route("GET", f"{PROJECT}/files/{{fileId}}/presence", GET_FILE_PRESENCE, needs=Permission.PROJECT_READ)
async def get_file_presence(request: GetFilePresence, caller: Principal, call: Call) -> Ok[PlacePresence]:
    """Who looks at a file of a project; for its members."""
    return Ok(await call.answer(GET_FILE_PRESENCE, request, caller))


@route("GET", f"{PROJECT}/pages/{{pageId}}/presence", GET_PAGE_PRESENCE, needs=Permission.PROJECT_READ)
async def get_page_presence(request: GetPagePresence, caller: Principal, call: Call) -> Ok[PlacePresence]:
    """Who looks at a page of a project; for its members."""
    return Ok(await call.answer(GET_PAGE_PRESENCE, request, caller))
