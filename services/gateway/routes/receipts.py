"""What has been read over HTTP (spec 1, Read Receipts & Presence)."""

from services.gateway.replies import Ok
from services.gateway.routing import Call, route
from shared.contracts.messages.receipts import (
    GET_UNREAD,
    LIST_RECEIPTS,
    MARK_DELIVERED,
    MARK_READ,
    MARK_THREADS_READ,
    MARK_UNREAD,
    GetUnread,
    ListReceipts,
    MarkDelivered,
    MarkRead,
    MarkThreadsRead,
    MarkUnread,
    Receipt,
    ReceiptPage,
)
from shared.contracts.messages.unread import Unread, UnreadCounts
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal

THREAD = "/api/collab/threads/{threadId}"


@route("GET", f"{THREAD}/unread", GET_UNREAD, needs=Permission.MESSAGE_READ)
async def get_unread(request: GetUnread, caller: Principal, call: Call) -> Ok[Unread]:
    """How much of a thread the caller has not read, counted to 1,000."""
    return Ok(await call.answer(GET_UNREAD, request, caller))


@route("POST", f"{THREAD}/read", MARK_READ, needs=Permission.MESSAGE_READ)
async def mark_read(request: MarkRead, caller: Principal, call: Call) -> Ok[Unread]:
    """Mark a thread read up to a message; never moves backwards."""
    return Ok(await call.answer(MARK_READ, request, caller))


@route("POST", f"{THREAD}/unread", MARK_UNREAD, needs=Permission.MESSAGE_READ)
async def mark_unread(request: MarkUnread, caller: Principal, call: Call) -> Ok[Unread]:
    """Mark a thread unread from a message on."""
    return Ok(await call.answer(MARK_UNREAD, request, caller))


@route("POST", f"{THREAD}/delivered", MARK_DELIVERED, needs=Permission.MESSAGE_READ)
async def mark_delivered(request: MarkDelivered, caller: Principal, call: Call) -> Ok[Receipt]:
    """Say that a thread has reached the caller up to a message; never moves backwards."""
    return Ok(await call.answer(MARK_DELIVERED, request, caller))


@route("GET", f"{THREAD}/receipts", LIST_RECEIPTS, needs=Permission.MESSAGE_READ)
async def list_receipts(request: ListReceipts, caller: Principal, call: Call) -> Ok[ReceiptPage]:
    """How far everybody has read a thread."""
    return Ok(await call.answer(LIST_RECEIPTS, request, caller))


@route("POST", "/api/collab/read", MARK_THREADS_READ, needs=Permission.MESSAGE_READ)
async def mark_threads_read(request: MarkThreadsRead, caller: Principal, call: Call) -> Ok[UnreadCounts]:
    """Mark several threads read. Those that are not there for the caller, or without the message, are left out of the answer."""
    return Ok(await call.answer(MARK_THREADS_READ, request, caller))
