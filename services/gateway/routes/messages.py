"""Messages over HTTP (spec 1, Message Operations)."""

from services.gateway.replies import Created, NoContent, Ok, Polled
from services.gateway.routing import Call, RateClass, route
from shared.contracts.messages.history import GET_MESSAGE_HISTORY, GetMessageHistory, MessageHistory
from shared.contracts.messages.messages import (
    DELETE_MESSAGE,
    EDIT_MESSAGE,
    GET_MESSAGE,
    LIST_MESSAGES,
    LIST_REPLIES,
    POST_MESSAGE,
    DeleteMessage,
    EditMessage,
    GetMessage,
    ListMessages,
    ListReplies,
    Message,
    MessagePage,
    PostMessage,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal

THREAD_MESSAGES = "/api/collab/threads/{threadId}/messages"
MESSAGE = "/api/collab/messages/{messageId}"


@route("GET", THREAD_MESSAGES, LIST_MESSAGES, needs=Permission.MESSAGE_READ, snapshot=True)
async def list_messages(request: ListMessages, caller: Principal, call: Call) -> Polled[MessagePage]:
    """A page of a thread's messages, oldest first: the newest page, or before or after a cursor or a message's id.

    What is after has an `ETag`, and is 304 to an `If-None-Match` that names it.
    """
    return Polled(await call.answer(LIST_MESSAGES, request, caller), again=request.after is not None)


@route("POST", THREAD_MESSAGES, POST_MESSAGE, needs=Permission.MESSAGE_SEND, limit=RateClass.MESSAGES)
async def post_message(request: PostMessage, caller: Principal, call: Call) -> Created[Message]:
    """Post to a thread."""
    return Created(await call.answer(POST_MESSAGE, request, caller), at="/api/collab/messages/{id}")


@route("GET", MESSAGE, GET_MESSAGE, needs=Permission.MESSAGE_READ)
async def get_message(request: GetMessage, caller: Principal, call: Call) -> Ok[Message]:
    """One message; a deleted one is blank."""
    return Ok(await call.answer(GET_MESSAGE, request, caller))


@route("PATCH", MESSAGE, EDIT_MESSAGE, needs=Permission.MESSAGE_EDIT)
async def edit_message(request: EditMessage, caller: Principal, call: Call) -> Ok[Message]:
    """Change one's own message, within five minutes. Service accounts move the delivery of theirs."""
    return Ok(await call.answer(EDIT_MESSAGE, request, caller))


@route("DELETE", MESSAGE, DELETE_MESSAGE, needs=Permission.MESSAGE_DELETE)
async def delete_message(request: DeleteMessage, caller: Principal, call: Call) -> NoContent:
    """Blank a message for its readers; its place stays."""
    await call.answer(DELETE_MESSAGE, request, caller)
    return NoContent()


@route("GET", f"{MESSAGE}/replies", LIST_REPLIES, needs=Permission.MESSAGE_READ)
async def list_replies(request: ListReplies, caller: Principal, call: Call) -> Ok[MessagePage]:
    """The sub-conversation that began with a message, oldest first; of a message within one, what replies to it."""
    return Ok(await call.answer(LIST_REPLIES, request, caller))


@route("GET", f"{MESSAGE}/history", GET_MESSAGE_HISTORY, needs=Permission.HISTORY_READ)
async def get_message_history(request: GetMessageHistory, caller: Principal, call: Call) -> Ok[MessageHistory]:
    """What a message was before each of its changes, oldest first. Reading it is audited."""
    return Ok(await call.answer(GET_MESSAGE_HISTORY, request, caller))
