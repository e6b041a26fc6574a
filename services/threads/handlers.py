"""What the service is asked: one function an operation."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from services.threads.domain.access import may_open
from services.threads.domain.changes import archival, changes
from services.threads.repository.access import Accesses
from services.threads.repository.listing import Listing, Place
from services.threads.repository.threads import Threads
from shared import cursors
from shared.contracts.principal import Principal
from shared.contracts.refusals import CursorIsNotValid, Refusal
from shared.contracts.threads.access import Access, CheckAccess
from shared.contracts.threads.threads import ArchiveThread, ChangeThread, GetThread, ListThreads, OpenThread, Thread, ThreadPage
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Ask, Encoded, Replayed

log = structlog.get_logger()

PAGE_BYTES = 4 * 1024 * 1024  # half of what one message of NATS carries here

_PLACE = TypeAdapter(tuple[AwareDatetime, UUID])


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers work with."""

    threads: Threads
    listing: Listing
    accesses: Accesses


async def open_thread(request: OpenThread, caller: Principal, service: Service) -> Thread | Replayed[Thread]:
    may_open(request.kind, caller)
    try:
        thread = await service.threads.open(request, caller)
    except MadeBefore as before:
        return Replayed(await service.threads.get(before.uuid, caller))
    log.info("thread_opened", threadId=str(thread.id), kind=thread.kind, userId=str(caller.user_id))
    return thread


async def get_thread(request: GetThread, caller: Principal, service: Service) -> Thread:
    return await service.threads.get(request.thread_id, caller)


async def list_threads(request: ListThreads, caller: Principal, service: Service) -> Encoded[ThreadPage]:
    list_name = f"threads:{caller.user_id}:{request.status}:{request.archived}"
    after = _place(list_name, request.cursor) if request.cursor is not None else None
    rows = await service.listing.page(request, after, caller)
    shown = _that_fit(rows.threads)
    more = rows.more or len(shown) < len(rows.threads)
    last = rows.threads[len(shown) - 1] if more else None
    head = f'"total":{rows.total},"hasMore":{"true" if more else "false"},"nextCursor":'
    cursor = f'"{cursors.encode(list_name, last.updated_at, last.id)}"' if last else "null"
    return Encoded(b'{"threads":[%b],%b}' % (b",".join(shown), (head + cursor).encode()))


async def change_thread(request: ChangeThread, caller: Principal, service: Service) -> Thread:
    sent = request.participants if "participants" in request.model_fields_set else None
    thread = await service.threads.change(request.thread_id, caller, lambda found, may: changes(found, request, may), sent)
    log.info("thread_changed", threadId=str(thread.id), userId=str(caller.user_id))
    return thread


async def archive_thread(request: ArchiveThread, caller: Principal, service: Service) -> Thread:
    thread = await service.threads.change(request.thread_id, caller, archival)
    log.info("thread_archived", threadId=str(thread.id), userId=str(caller.user_id))
    return thread


async def check_access(asks: Sequence[Ask[CheckAccess, Principal]], service: Service) -> Sequence[Access | Refusal]:
    workspaces: dict[UUID, list[int]] = {}
    for place, ask in enumerate(asks):
        workspaces.setdefault(ask.caller.workspace_id, []).append(place)
    answers: dict[int, Access | Refusal] = {}
    for workspace_id, places in workspaces.items():
        answers.update(zip(places, await service.accesses.check(workspace_id, [asks[place] for place in places]), strict=True))
    return [answers[place] for place in range(len(asks))]


def _that_fit(threads: list[Thread]) -> list[bytes]:
    """As many as a reply carries, and always one."""
    fitting: list[bytes] = []
    size = 0
    for thread in threads:
        encoded = thread.model_dump_json(by_alias=True).encode()
        size += len(encoded)
        if fitting and size > PAGE_BYTES:
            break
        fitting.append(encoded)
    return fitting


def _place(list_name: str, cursor: str) -> Place:
    try:
        return Place(*_PLACE.validate_python(cursors.decode(list_name, cursor)))
    except ValidationError:
        raise CursorIsNotValid from None
