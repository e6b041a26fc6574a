"""What the service is asked: one function an operation."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from pydantic_core import to_json

from services.messages import domain
from services.messages.content import clean
from services.messages.repository.messages import Messages, Rows
from services.messages.repository.posts import Posted, PostedBefore, Posting, Posts
from shared import cursors
from shared.contracts.messages.messages import (
    Channel,
    DeleteMessage,
    EditMessage,
    GetMessage,
    ListMessages,
    Message,
    MessageNotFound,
    MessagePage,
    NoteIsNotAllowed,
    PostMessage,
)
from shared.contracts.principal import Principal
from shared.contracts.refusals import CursorIsNotValid, Refusal
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right, State, ThreadIsArchived, ThreadNotFound
from shared.database.idempotency import digest, in_order
from shared.identifiers import time_of
from shared.messaging.caller import Caller
from shared.messaging.context import current_context
from shared.messaging.work import Ask, Encoded, Replayed

log = structlog.get_logger()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_OF_TIME = 253_402_300_800_000  # milliseconds; the year 10,000


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers work with."""

    call: Caller
    posts: Posts
    messages: Messages

    async def access(self, right: Right, thread_id: UUID, caller: Principal) -> Access:
        """What the caller may do in a thread: asked of threads each time, and answered before anything is done."""
        return await self.call(CHECK_ACCESS, CheckAccess(thread_id=thread_id, right=right), caller)


async def post_message(
    asks: Sequence[Ask[PostMessage, Principal]], service: Service
) -> Sequence[Encoded[Message] | Replayed[Message] | Exception]:
    """Those that came together are cleaned, checked and added together; each has its own outcome."""
    outcomes: dict[int, Encoded[Message] | Replayed[Message] | Exception] = {}
    drafts: dict[int, domain.Draft] = {}
    for place, ask in enumerate(asks):
        try:
            drafts[place] = _draft(ask)
        except Exception as error:  # whatever it is, it is this one's alone
            outcomes[place] = error
    postings: dict[UUID, dict[int, Posting]] = {}
    for place, access in zip(drafts, await _rights_to_post([asks[place] for place in drafts], service), strict=True):
        posting = _posting(drafts[place], access)
        if isinstance(posting, Refusal):
            outcomes[place] = posting
        else:
            postings.setdefault(asks[place].caller.workspace_id, {})[place] = posting
    added = await asyncio.gather(*(service.posts.add(workspace, list(of.values())) for workspace, of in postings.items()))
    for of, results in zip(postings.values(), added, strict=True):
        for place, result in zip(of, results, strict=True):
            outcomes[place] = await _outcome(result, asks[place], service)
    return [outcomes[place] for place in range(len(asks))]


async def get_message(request: GetMessage, caller: Principal, service: Service) -> Message:
    message, _ = await _readable(request.message_id, caller, service)
    return domain.shown(message)


async def list_messages(request: ListMessages, caller: Principal, service: Service) -> Encoded[MessagePage]:
    access = await service.access(Right.READ, request.thread_id, caller)
    workspace, thread = caller.workspace_id, request.thread_id
    if request.after is not None:
        after = await _moment(request.after, access, caller, service)
        rows = await service.messages.newer(workspace, thread, after, request.limit, notes=access.notes)
        return _page(rows, _cursor(thread, rows.last_at or after))
    before = None if request.before is None else await _moment(request.before, access, caller, service)
    rows = await service.messages.older(workspace, thread, before, request.limit, notes=access.notes)
    return _page(rows, _cursor(thread, rows.first_at) if rows.more and rows.first_at else None)


async def edit_message(request: EditMessage, caller: Principal, service: Service) -> Message:
    content = clean(request.content)
    message, _ = await _readable(request.message_id, caller, service)
    await service.access(Right.POST, message.thread_id, caller)
    rule = partial(domain.edited, author_id=caller.user_id, content=content)
    changed = await service.messages.edit(caller.workspace_id, message.thread_id, message.id, lambda found, now: rule(found, now=now))
    log.info("message_edited", threadId=message.thread_id, messageId=message.id, userId=caller.user_id)
    return changed


async def delete_message(request: DeleteMessage, caller: Principal, service: Service) -> Message:
    message, access = await _readable(request.message_id, caller, service)
    if access.state is State.ARCHIVED:
        raise ThreadIsArchived
    rule = partial(domain.deleted, user_id=caller.user_id, deletes_others=access.deletes_others)
    changed = await service.messages.edit(caller.workspace_id, message.thread_id, message.id, lambda found, now: rule(found, now=now))
    log.info("message_deleted", threadId=message.thread_id, messageId=message.id, userId=caller.user_id)
    return domain.shown(changed)


async def _rights_to_post(asks: Sequence[Ask[PostMessage, Principal]], service: Service) -> list[Access | Refusal]:
    checks = [Ask(CheckAccess(thread_id=ask.request.thread_id, right=Right.POST), ask.caller, ask.context) for ask in asks]
    return await service.call.together(CHECK_ACCESS, checks)


def _posting(draft: domain.Draft, access: Access | Refusal) -> Posting | Refusal:
    if isinstance(access, Refusal):
        return access
    if draft.channel is Channel.NOTE and not access.notes:
        return NoteIsNotAllowed()
    return Posting(draft, sees_notes=access.notes)


async def _outcome(
    result: Posted | PostedBefore | Exception, ask: Ask[PostMessage, Principal], service: Service
) -> Encoded[Message] | Replayed[Message] | Exception:
    if isinstance(result, Posted):
        current_context.set(ask.context)
        log.info("message_posted", threadId=ask.request.thread_id, messageId=result.message.id, userId=ask.caller.user_id)
        return Encoded(result.json.encode())
    if isinstance(result, PostedBefore):
        try:
            return Replayed(domain.shown(await _stored(result.message_id, ask.caller, service)))
        except Refusal as refusal:
            return refusal
    return result


def _draft(ask: Ask[PostMessage, Principal]) -> domain.Draft:
    request, caller, context = ask
    return domain.Draft(
        thread_id=request.thread_id,
        author_id=caller.user_id,
        author_role=caller.role,
        author_name=caller.name,
        channel=request.channel,
        content=clean(request.content),
        reply_to=request.reply_to,
        metadata=request.metadata,
        content_metadata=request.content_metadata,
        client_message_id=request.client_message_id,
        keys=_keys(ask) if request.client_message_id or context.idempotency_key else {},
        trace=context.trace,
    )


def _keys(ask: Ask[PostMessage, Principal]) -> dict[domain.Key, bytes]:
    """What a retry of this post is known by, each with a digest of what may not differ."""
    request, caller, context = ask
    keys: dict[domain.Key, bytes] = {}
    if request.client_message_id:
        keys[domain.Key(request.thread_id, caller.user_id, request.client_message_id)] = _digest(request)
    if context.idempotency_key:
        keys[domain.Key(caller.workspace_id, caller.user_id, context.idempotency_key)] = digest(request)
    return keys


def _digest(request: PostMessage) -> bytes:
    """Of a clientMessageId: its thread is its scope."""
    fields = (request.content, request.channel, request.reply_to, in_order(request.metadata), in_order(request.content_metadata))
    return hashlib.sha256(to_json(fields)).digest()


async def _readable(message_id: UUID, caller: Principal, service: Service) -> tuple[Message, Access]:
    """A message that the caller may read, as it is stored. Hidden and missing are the same `MessageNotFound`."""
    message = await _stored(message_id, caller, service)
    try:
        access = await service.access(Right.READ, message.thread_id, caller)
    except ThreadNotFound:
        raise MessageNotFound from None
    if message.channel is Channel.NOTE and not access.notes:
        raise MessageNotFound
    return message, access


async def _stored(message_id: UUID, caller: Principal, service: Service) -> Message:
    message = await service.messages.get(caller.workspace_id, message_id)
    if message is None:
        raise MessageNotFound
    return message


async def _moment(cursor: str, access: Access, caller: Principal, service: Service) -> datetime:
    """The place that a cursor, or a message's id (spec 1 polls with `after=lastSeenId`), stands for in the thread."""
    message_id = _as_id(cursor)
    if message_id is None:
        return _place(cursors.decode(f"messages:{access.thread_id}", cursor))
    message = await service.messages.get(caller.workspace_id, message_id)
    if message is None or message.thread_id != access.thread_id or (message.channel is Channel.NOTE and not access.notes):
        raise CursorIsNotValid
    return message.created_at


def _place(values: list[Any]) -> datetime:
    match values:
        case [int(milliseconds)] if 0 <= milliseconds < _END_OF_TIME:
            return _EPOCH + timedelta(milliseconds=milliseconds)
    raise CursorIsNotValid


def _as_id(cursor: str) -> UUID | None:
    try:
        identifier = UUID(cursor)
    except ValueError:
        return None
    return identifier if time_of(identifier) is not None else None


def _cursor(thread_id: UUID, moment: datetime) -> str:
    return cursors.encode(f"messages:{thread_id}", (moment - _EPOCH) // timedelta(milliseconds=1))


def _page(rows: Rows, next_cursor: str | None) -> Encoded[MessagePage]:
    cursor = f'"{next_cursor}"' if next_cursor else "null"
    return Encoded(f'{{"messages":[{",".join(rows.json)}],"hasMore":{"true" if rows.more else "false"},"nextCursor":{cursor}}}'.encode())
