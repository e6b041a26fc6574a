"""Messages as their readers get them: one, a page, a sub-conversation, and what auditors read."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.messages import domain
from services.messages.repository.pages import Changes, Rows
from services.messages.service import Service
from shared import cursors
from shared.contracts.messages.files import FindDeletedMessage, FoundDeletedMessage, GetMessageOfAttachment
from shared.contracts.messages.history import GetMessageHistory, MessageHistory
from shared.contracts.messages.messages import GetMessage, ListMessages, ListReplies, Message, MessageNotFound, MessagePage
from shared.contracts.principal import Principal
from shared.contracts.refusals import CursorIsNotValid
from shared.contracts.threads.access import Access, Right
from shared.identifiers import time_of
from shared.messaging.work import Encoded

log = structlog.get_logger()

_END_OF_TIME = timedelta(milliseconds=253_402_300_800_000)  # the year 10,000


async def get_message(request: GetMessage, caller: Principal, service: Service) -> Message:
    message, _ = await service.readable(request.message_id, caller)
    return domain.shown(message)


async def get_message_of_attachment(request: GetMessageOfAttachment, caller: Principal, service: Service) -> Message:
    message_id = await service.messages.with_attachment(caller.workspace_id, request.attachment_id)
    if message_id is None:
        raise MessageNotFound
    return await get_message(GetMessage(message_id=message_id), caller, service)


async def find_deleted_message(request: FindDeletedMessage, service: Service) -> FoundDeletedMessage:
    """Nobody's request: it is told no more than that."""
    workspace, message_id = request.workspace_id, request.message_id
    if message_id is None:
        message_id = await service.messages.with_attachment(workspace, request.attachment_id)
    found = None if message_id is None else await service.messages.get(workspace, message_id)
    return FoundDeletedMessage(deleted=found is not None and found.message.deleted_at is not None)


async def list_messages(request: ListMessages, caller: Principal, service: Service) -> Encoded[MessagePage]:
    access = await service.access(Right.READ, request.thread_id, caller)
    sight = domain.sight(access)
    workspace, thread = caller.workspace_id, request.thread_id
    kind = f"messages:{thread}"
    if request.after is not None:
        return await _poll(request, request.after, sight, caller, service)
    before = None if request.before is None else await _moment(request.before, access, caller, service)
    rows = await service.pages.older(workspace, thread, before, request.limit, sight)
    as_of = "" if before else _as_of(thread, rows.changed_at or domain.BEGINNING)
    return _page(rows, cursors.encode(kind, rows.first_at) if rows.more and rows.first_at else None, as_of)


async def _poll(request: ListMessages, cursor: str, sight: domain.Sight, caller: Principal, service: Service) -> Encoded[MessagePage]:
    """What is newer and, where it is asked for, what changed of the rest: read first, so that what changes meanwhile comes next time.

    Most polls find nothing, and cost the one look at whether there is anything.
    """
    workspace, thread, pages = caller.workspace_id, request.thread_id, service.pages
    named = _as_id(cursor)
    after = (named and time_of(named)) or cursors.decode(f"messages:{thread}", cursor, cursors.MOMENT)[0]
    since = request.changed_since and cursors.decode(f"changes:{thread}", request.changed_since, cursors.MOMENT)[0]
    news = await pages.news(workspace, thread, after, named, sight)
    if news is None:
        raise CursorIsNotValid
    changes = Changes([], since) if since else None
    if since and news.changed_since(since):
        changes = await pages.changed(workspace, thread, after, since, request.limit, sight)
    rows = await pages.newer(workspace, thread, after, request.limit, sight) if news.newer else news.nothing
    more = _as_of(thread, changes.up_to if changes else rows.changed_at or domain.BEGINNING)
    if changes is not None:
        more += f',"changed":[{",".join(changes.json)}]'
    return _page(rows, cursors.encode(f"messages:{thread}", rows.last_at or after), more)


async def list_replies(request: ListReplies, caller: Principal, service: Service) -> Encoded[MessagePage]:
    message, access = await service.readable(request.message_id, caller)
    kind = f"replies:{message.id}"
    (after,) = (message.created_at,) if request.cursor is None else cursors.decode(kind, request.cursor, cursors.MOMENT)
    rows = await service.pages.replies(caller.workspace_id, message, after, request.limit, domain.sight(access))
    return _page(rows, cursors.encode(kind, rows.last_at) if rows.more and rows.last_at else None)


async def get_message_history(request: GetMessageHistory, caller: Principal, service: Service) -> MessageHistory:
    message, _ = await service.readable(request.message_id, caller)
    kind = f"history:{message.id}"
    (after,) = (None,) if request.cursor is None else cursors.decode(kind, request.cursor, cursors.ID)
    found = await service.history.of(caller.workspace_id, message, after, request.limit + 1, reader=caller.user_id)
    log.info("message_history_read", threadId=message.thread_id, messageId=message.id, userId=caller.user_id)
    shown, more = found[: request.limit], len(found) > request.limit
    return MessageHistory(history=shown, has_more=more, next_cursor=cursors.encode(kind, str(shown[-1].history_id)) if more else None)


async def _moment(cursor: str, access: Access, caller: Principal, service: Service) -> datetime:
    """The place that a cursor, or a message's id (spec 1 polls with `after=lastSeenId`), stands for in the thread."""
    message_id = _as_id(cursor)
    if message_id is None:
        return cursors.decode(f"messages:{access.thread_id}", cursor, cursors.MOMENT)[0]
    message = await service.seen(message_id, access, caller)
    if message is None:
        raise CursorIsNotValid
    return message.created_at


def _as_id(cursor: str) -> UUID | None:
    try:
        identifier = UUID(cursor)
    except ValueError:
        return None
    return identifier if time_of(identifier) is not None else None


def _as_of(thread_id: UUID, moment: datetime) -> str:
    return f',"asOf":"{cursors.encode(f"changes:{thread_id}", moment)}"'


def _page(rows: Rows, next_cursor: str | None, more: str = "") -> Encoded[MessagePage]:
    cursor = f'"{next_cursor}"' if next_cursor else "null"
    has_more = "true" if rows.more else "false"
    return Encoded(f'{{"messages":[{",".join(rows.json)}],"hasMore":{has_more},"nextCursor":{cursor}{more}}}'.encode())
