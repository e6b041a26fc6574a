"""Threads over HTTP (spec 1, Thread Management)."""

from services.gateway.replies import CreatedOrFound, NoContent, Ok
from services.gateway.routing import Call, route
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.threads.history import GET_THREAD_HISTORY, ChangePage, GetThreadHistory
from shared.contracts.threads.threads import (
    ARCHIVE_THREAD,
    CHANGE_THREAD,
    GET_THREAD,
    LIST_THREADS,
    OPEN_THREAD,
    ArchiveThread,
    ChangeThread,
    GetThread,
    ListThreads,
    OpenThread,
    Thread,
    ThreadPage,
)

THREADS = "/api/collab/threads"
THREAD = "/api/collab/threads/{threadId}"


@route("GET", THREADS, LIST_THREADS, needs=Permission.ROOM_READ, snapshot=True)
async def list_threads(request: ListThreads, caller: Principal, call: Call) -> Ok[ThreadPage]:
    """The caller's threads, newest activity first."""
    return Ok(await call.answer(LIST_THREADS, request, caller))


@route("POST", THREADS, OPEN_THREAD, needs=Permission.ROOM_CREATE)
async def open_thread(request: OpenThread, caller: Principal, call: Call) -> CreatedOrFound[Thread]:
    """Open a thread; a pair's direct thread that is there already is answered with 200."""
    return CreatedOrFound(await call.answer(OPEN_THREAD, request, caller), at="/api/collab/threads/{id}")


@route("GET", THREAD, GET_THREAD, needs=Permission.ROOM_READ)
async def get_thread(request: GetThread, caller: Principal, call: Call) -> Ok[Thread]:
    """One thread."""
    return Ok(await call.answer(GET_THREAD, request, caller))


@route("PATCH", THREAD, CHANGE_THREAD, needs=Permission.ROOM_UPDATE)
async def change_thread(request: ChangeThread, caller: Principal, call: Call) -> Ok[Thread]:
    """Change the fields that are sent; `archived: false` restores an archived thread."""
    return Ok(await call.answer(CHANGE_THREAD, request, caller))


@route("DELETE", THREAD, ARCHIVE_THREAD, needs=Permission.ROOM_ARCHIVE)
async def archive_thread(request: ArchiveThread, caller: Principal, call: Call) -> NoContent:
    """Archive a thread: it can be read, and not changed or posted to."""
    await call.answer(ARCHIVE_THREAD, request, caller)
    return NoContent()


@route("GET", THREAD + "/history", GET_THREAD_HISTORY, needs=Permission.HISTORY_READ)
async def get_thread_history(request: GetThreadHistory, caller: Principal, call: Call) -> Ok[ChangePage]:
    """What a thread and those who take part in it were before each change, newest first."""
    return Ok(await call.answer(GET_THREAD_HISTORY, request, caller))
