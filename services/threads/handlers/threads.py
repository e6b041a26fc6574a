"""Threads: opened, found, listed, changed, archived."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
import structlog

from services.threads.domain.access import may_open
from services.threads.domain.changes import archival, changes
from services.threads.domain.participants import refuse_strangers, refuse_twins
from services.threads.domain.reading import is_unread
from services.threads.repository.listing import Place, Row
from services.threads.service import Service
from services.threads.unread import MOST_THREADS
from shared import cursors
from shared.contracts.messages.unread import Unread
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.contracts.threads.participants import NewParticipant
from shared.contracts.threads.threads import ArchiveThread, ChangeThread, GetThread, ListThreads, OpenThread, Thread, ThreadPage
from shared.database.idempotency import MadeBefore
from shared.messaging.context import current_context
from shared.messaging.work import Encoded, Found, Replayed

log = structlog.get_logger()

PAGE_BYTES = 4 * 1024 * 1024  # half of what one message of NATS carries here
MOST_LOOKS = 5
"""Times 200 threads are looked through for a page of unread ones."""


async def open_thread(request: OpenThread, caller: Principal, service: Service) -> Thread | Found[Thread] | Replayed[Thread]:
    """A pair has one direct thread, whoever of them asks first."""
    may_open(request.kind, caller)
    await _refuse_strangers(request.participants, {caller.user_id}, caller, service)
    try:
        thread = await service.threads.open(request, caller)
    except MadeBefore as before:
        return Replayed(await service.thread(before.uuid, caller))
    except asyncpg.UniqueViolationError:
        direct = await service.threads.direct(request, caller)
        if direct is None:
            raise
        return Found(await service.thread(direct, caller))
    log.info("thread_opened", threadId=str(thread.id), kind=thread.kind, userId=str(caller.user_id))
    return thread.model_copy(update={"unread_count": 0, "mention_count": 0})


async def get_thread(request: GetThread, caller: Principal, service: Service) -> Thread:
    return await service.thread(request.thread_id, caller)


async def list_threads(request: ListThreads, caller: Principal, service: Service) -> Encoded[ThreadPage]:
    after = None
    if request.cursor is not None:
        after = Place(*cursors.decode(_list_name(request, caller), request.cursor, cursors.MOMENT_AND_ID))
    if request.unread:
        return await _unread(request, after, caller, service)
    rows = await service.listing.rows(request, after, caller, request.limit)
    whole = rows[: request.limit]
    page = await _seen(whole, caller, service)
    written, counts, total = await asyncio.gather(
        service.listing.written(page, caller),
        service.unread.if_there({row.thread_id: row.part for row in page}, caller),
        _total(request, rows, caller, service),
    )
    encoded = _that_fit(page, written, counts)
    if len(encoded) < len(page):
        return _page(encoded, total, _list_name(request, caller), page[len(encoded) - 1].place)
    return _page(encoded, total, _list_name(request, caller), whole[-1].place if len(rows) > len(whole) else None)


async def _seen(rows: Sequence[Row], caller: Principal, service: Service) -> list[Row]:
    """Without the threads of projects that the caller has just left, or that nobody can ask about: those are listed from a copy."""
    context = current_context.get()
    settled = await service.projects.settle([(caller, context)] * len(rows), [row.standing for row in rows])
    return [row for row, found in zip(rows, settled, strict=True) if not isinstance(found, Refusal) and found[0] is not None]


async def _total(request: ListThreads, rows: Sequence[Row], caller: Principal, service: Service) -> int:
    """Counted over the index, 8 ms of 20,000 threads, where the page does not say it: it does if the list ends with it."""
    if request.cursor is None and len(rows) <= request.limit and (rows or not request.offset):
        return request.offset + len(rows)
    return await service.listing.total(request, caller)


async def _unread(request: ListThreads, after: Place | None, caller: Principal, service: Service) -> Encoded[ThreadPage]:
    """Look through the list for what has something unread; the cursor goes on from where the looking ended."""
    found: dict[UUID, Unread] = {}
    page: list[Row] = []
    for _ in range(MOST_LOOKS):
        rows = await service.listing.rows(request, after, caller, MOST_THREADS)
        more = len(rows) > MOST_THREADS
        counts = await service.unread.of({row.thread_id: row.part for row in rows[:MOST_THREADS]}, caller)
        seen = {row.thread_id for row in await _seen([row for row in rows[:MOST_THREADS] if row.thread_id in counts], caller, service)}
        for row in rows[:MOST_THREADS]:
            if len(page) == request.limit:
                more = True
                break
            after = row.place
            if row.thread_id in seen and is_unread(counts[row.thread_id]):
                page.append(row)
                found[row.thread_id] = counts[row.thread_id]
        if not more or len(page) == request.limit:
            break
    encoded = _that_fit(page, await service.listing.written(page, caller), found)
    if len(encoded) < len(page):
        after, more = page[len(encoded) - 1].place, True
    return _page(encoded, None, _list_name(request, caller), after if more else None)


async def change_thread(request: ChangeThread, caller: Principal, service: Service) -> Thread:
    sent = request.participants if "participants" in request.model_fields_set else None
    if sent:
        named = {one.user_id for one in sent if one.user_id is not None}
        known = await service.threads.sitting(request.thread_id, list(named), caller.workspace_id)
        await _refuse_strangers(sent, known, caller, service)
    thread, part = await service.threads.change(
        request.thread_id, caller, lambda found, may: changes(found, request, may), sent=sent, reason=request.reason
    )
    log.info("thread_changed", threadId=str(thread.id), userId=str(caller.user_id))
    return await service.shown(thread, part, caller)


async def archive_thread(request: ArchiveThread, caller: Principal, service: Service) -> Thread:
    thread, part = await service.threads.change(request.thread_id, caller, archival, reason=request.reason)
    log.info("thread_archived", threadId=str(thread.id), userId=str(caller.user_id))
    return await service.shown(thread, part, caller)


async def _refuse_strangers(sent: Sequence[NewParticipant], known: set[UUID], caller: Principal, service: Service) -> None:
    """Raises `RequestIsInvalid`, and `ServiceIsUnavailable` while identity is away."""
    asked = {one.user_id for one in sent if one.user_id is not None} - known
    members = await service.members.of(asked, caller)
    refuse_strangers([(f"participants.{place}.userId", one.user_id) for place, one in enumerate(sent)], known | members.keys())
    refuse_twins(sent, {caller.user_id: caller.contact} | {member.id: member.contact for member in members.values()})


def _page(encoded: Sequence[bytes], total: int | None, list_name: str, last: Place | None) -> Encoded[ThreadPage]:
    cursor = f'"{cursors.encode(list_name, last.at, last.thread_id)}"' if last else "null"
    tail = f'"total":{"null" if total is None else total},"hasMore":{"true" if last else "false"},"nextCursor":{cursor}'
    return Encoded(b'{"threads":[%b],%b}' % (b",".join(encoded), tail.encode()))


def _list_name(request: ListThreads, caller: Principal) -> str:
    states = ",".join(request.states)
    return f"threads:{caller.user_id}:{request.kind}:{request.status}:{states}:{request.unread}:{request.q or ''}"


def _that_fit(rows: Sequence[Row], written: Sequence[str], counts: Mapping[UUID, Unread]) -> list[bytes]:
    """As many threads of a page as a reply carries, and always one; each with what its reader has not read."""
    fitting: list[bytes] = []
    size = 0
    for row, thread in zip(rows, written, strict=True):
        encoded = f"{thread[:-1]},{_unread_of(counts.get(row.thread_id))}}}".encode()
        size += len(encoded)
        if fitting and size > PAGE_BYTES:
            break
        fitting.append(encoded)
    return fitting


def _unread_of(unread: Unread | None) -> str:
    counted = (unread.unread_count, unread.mention_count) if unread else ("null", "null")
    return '"unreadCount":{},"mentionCount":{}'.format(*counted)
