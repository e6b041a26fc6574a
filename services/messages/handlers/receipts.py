"""How far readers are: their marks, what they have not read, and everybody's receipts."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.messages import domain
from services.messages.repository.receipts import Mark
from services.messages.repository.unread import NEVER, Reading
from services.messages.service import Service, seen_in
from shared import cursors
from shared.contracts.messages.messages import Message
from shared.contracts.messages.receipts import (
    GetUnread,
    ListReceipts,
    MarkDelivered,
    MarkedMessageNotFound,
    MarkRead,
    MarkThreadsRead,
    MarkUnread,
    ReadUpTo,
    Receipt,
    ReceiptPage,
)
from shared.contracts.messages.unread import CountUnread, Standing, Unread, UnreadCounts
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right
from shared.identifiers import FIRST_ID
from shared.messaging.context import current_context
from shared.messaging.work import Ask

log = structlog.get_logger()

_MICROSECOND = timedelta(microseconds=1)


async def get_unread(request: GetUnread, caller: Principal, service: Service) -> Unread:
    return await _unread(await service.access(Right.READ, request.thread_id, caller), caller, service)


async def count_unread(asks: Sequence[Ask[CountUnread, Principal]], service: Service) -> Sequence[UnreadCounts | Exception]:
    """Those that came together are counted together, by workspace."""
    readings: dict[UUID, list[Reading]] = {}
    for ask in asks:
        readings.setdefault(ask.caller.workspace_id, []).extend(_reading(standing, ask.caller) for standing in ask.request.threads)
    counted = dict(zip(readings, await asyncio.gather(*(service.unread.count(*each) for each in readings.items())), strict=True))
    rest = {workspace: iter(counts) for workspace, counts in counted.items()}
    return [UnreadCounts(threads=[next(rest[ask.caller.workspace_id]) for _ in ask.request.threads]) for ask in asks]


async def mark_read(request: MarkRead, caller: Principal, service: Service) -> Unread:
    access, message = await _marked(request.thread_id, request.last_message_id, caller, service)
    await service.receipts.read(caller, [Mark(message, access.joined_at)])
    log.info("thread_read", threadId=message.thread_id, messageId=message.id, userId=caller.user_id)
    return await _unread(access, caller, service)


async def mark_unread(request: MarkUnread, caller: Principal, service: Service) -> Unread:
    access, message = await _marked(request.thread_id, request.from_message_id, caller, service)
    await service.receipts.unread(caller, message, domain.sight(access))
    log.info("thread_marked_unread", threadId=message.thread_id, messageId=message.id, userId=caller.user_id)
    return await _unread(access, caller, service)


async def mark_delivered(request: MarkDelivered, caller: Principal, service: Service) -> Receipt:
    access, message = await _marked(request.thread_id, request.last_message_id, caller, service)
    await service.receipts.delivered(caller, Mark(message, access.joined_at))
    (receipt,) = await service.receipts.of_thread(caller, message.thread_id, caller.user_id, 1, domain.sight(access))
    return receipt


async def mark_threads_read(request: MarkThreadsRead, caller: Principal, service: Service) -> UnreadCounts:
    context = current_context.get()
    checks = [Ask(CheckAccess(thread_id=each.thread_id, right=Right.READ), caller, context) for each in request.threads]
    accesses = await service.call.together(CHECK_ACCESS, checks)
    marks = await _newest(zip(request.threads, accesses, strict=True), caller, service)
    if marks:
        await service.receipts.read(caller, [Mark(message, access.joined_at) for access, message in marks.values()])
    log.info("threads_read", threads=len(marks), userId=caller.user_id)
    counts = await service.unread.count(caller.workspace_id, [_reading_of(access, caller) for access, _ in marks.values()])
    return UnreadCounts(threads=counts)


async def list_receipts(request: ListReceipts, caller: Principal, service: Service) -> ReceiptPage:
    access = await service.access(Right.READ, request.thread_id, caller)
    kind = f"receipts:{request.thread_id}"
    (start,) = (FIRST_ID,) if request.cursor is None else cursors.decode(kind, request.cursor, cursors.ID)
    found = await service.receipts.of_thread(caller, request.thread_id, start, request.limit + 1, domain.sight(access))
    following = found[request.limit :]
    cursor = cursors.encode(kind, str(following[0].user_id)) if following else None
    return ReceiptPage(receipts=found[: request.limit], has_more=bool(following), next_cursor=cursor)


async def _marked(thread_id: UUID, message_id: UUID, caller: Principal, service: Service) -> tuple[Access, Message]:
    access = await service.access(Right.READ, thread_id, caller)
    message = await service.seen(message_id, access, caller)
    if message is None:
        raise MarkedMessageNotFound
    return access, message


async def _newest(
    asked: Iterable[tuple[ReadUpTo, Access | Refusal]], caller: Principal, service: Service
) -> dict[UUID, tuple[Access, Message]]:
    """By thread, the newest message that is there to be marked; that a neighbour is away is said."""
    there: list[tuple[UUID, Access]] = []
    for each, access in asked:
        if isinstance(access, Access):
            there.append((each.last_message_id, access))
        elif access.kind == "unavailable":
            raise access
    found = await service.messages.get_all(caller.workspace_id, [message_id for message_id, _ in there])
    newest: dict[UUID, tuple[Access, Message]] = {}
    for message_id, access in there:
        message = seen_in(found.get(message_id), access)
        if message and (message.thread_id not in newest or newest[message.thread_id][1].created_at < message.created_at):
            newest[message.thread_id] = (access, message)
    return newest


async def _unread(access: Access, caller: Principal, service: Service) -> Unread:
    (counted,) = await service.unread.count(caller.workspace_id, [_reading_of(access, caller)])
    return counted


def _reading_of(access: Access, caller: Principal) -> Reading:
    return Reading(caller.user_id, access.thread_id, _since(access.joined_at, access.seen_from), domain.sight(access))


def _reading(standing: Standing, caller: Principal) -> Reading:
    guarded = standing.hidden_robots or caller.role is Role.GUEST
    sight = domain.Sight(standing.notes, not guarded, standing.seen_from or domain.BEGINNING)
    return Reading(caller.user_id, standing.thread_id, _since(standing.joined_at, standing.seen_from), sight)


def _since(joined_at: datetime | None, seen_from: datetime | None) -> datetime:
    """Nothing counts for those who take no part. Messages have whole milliseconds, so what joined within one counts from its beginning."""
    if joined_at is None:
        return NEVER
    joined = joined_at.replace(microsecond=joined_at.microsecond // 1000 * 1000) - _MICROSECOND
    return joined if seen_from is None else max(joined, seen_from - _MICROSECOND)
