"""Messages come to be, change and go."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from pydantic_core import to_json

from services.messages import domain
from services.messages.content import clean, clean_beside_files, named
from services.messages.files import Files
from services.messages.handlers.files import files_claimed
from services.messages.handlers.mentions import Names, members_named, members_named_in
from services.messages.repository.messages import Deed
from services.messages.repository.posts import Posted, PostedBefore
from services.messages.repository.reading import Posting
from services.messages.repository.rows import Stored
from services.messages.service import Service
from shared.contracts.identity.directory import Member
from shared.contracts.messages.messages import (
    Channel,
    DeleteMessage,
    EditMessage,
    Message,
    NoteIsNotAllowed,
    PostMessage,
)
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import CHECK_ACCESS, Access, CheckAccess, Right, State, ThreadIsArchived
from shared.database.idempotency import digest, in_order
from shared.messaging.context import current_context
from shared.messaging.work import Ask, Encoded, Replayed

log = structlog.get_logger()

_RARE = {
    "message_type",
    "delivery_status",
    "robot_id",
    "robot_response_to",
    "is_robot_visible_to_guests",
    "author_name",
    "author_contact",
    "author_role",
}


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
    rights = await _rights_to_post([asks[place] for place in drafts], service)
    names: dict[int, Names] = {place: Ask(found, *asks[place][1:]) for place, draft in drafts.items() if (found := named(draft.content))}
    members = await members_named(names, service)
    files = await files_claimed({place: asks[place] for place in drafts if asks[place].request.attachment_ids}, service)
    for place, access in zip(drafts, rights, strict=True):
        posting = _posting(drafts[place], access, members.get(place), files.get(place))
        if isinstance(posting, Refusal):
            outcomes[place] = posting
        else:
            postings.setdefault(asks[place].caller.workspace_id, {})[place] = posting
    added = await asyncio.gather(*(service.posts.add(workspace, list(of.values())) for workspace, of in postings.items()))
    for of, results in zip(postings.values(), added, strict=True):
        for place, result in zip(of, results, strict=True):
            outcomes[place] = await _outcome(result, asks[place], service)
    return [outcomes[place] for place in range(len(asks))]


async def edit_message(request: EditMessage, caller: Principal, service: Service) -> Message:
    message, _ = await service.readable(request.message_id, caller)
    content = None if request.content is None else (clean_beside_files if message.attachments else clean)(request.content)
    await service.access(Right.POST, message.thread_id, caller)
    members = None if content is None else await members_named_in(content, caller, service)
    change = domain.Change(content, request.delivery_status, members)

    def rule(found: Stored, now: datetime) -> Message:
        return domain.edited(found.message, found.posted_by, change, caller, now)

    changed = await service.messages.change(caller.workspace_id, message, Deed(caller.user_id, request.reason), rule)
    log.info("message_edited", threadId=message.thread_id, messageId=message.id, userId=caller.user_id)
    return changed


async def delete_message(request: DeleteMessage, caller: Principal, service: Service) -> Message:
    message, access = await service.readable(request.message_id, caller)
    if access.state is State.ARCHIVED:
        raise ThreadIsArchived

    def rule(found: Stored, now: datetime) -> Message:
        return domain.deleted(found.message, found.posted_by, caller.user_id, deletes_others=access.deletes_others, now=now)

    def audited(found: Stored) -> str | None:
        return None if caller.user_id in (found.message.author_id, found.posted_by) else Permission.MESSAGE_DELETE

    deed = Deed(caller.user_id, request.reason, audited)
    changed = await service.messages.change(caller.workspace_id, message, deed, rule)
    log.info("message_deleted", threadId=message.thread_id, messageId=message.id, userId=caller.user_id)
    return domain.shown(changed)


async def _rights_to_post(asks: Sequence[Ask[PostMessage, Principal]], service: Service) -> list[Access | Refusal]:
    checks = [Ask(CheckAccess(thread_id=ask.request.thread_id, right=Right.POST), ask.caller, ask.context) for ask in asks]
    return await service.call.together(CHECK_ACCESS, checks)


def _posting(
    draft: domain.Draft, access: Access | Refusal, members: Sequence[Member] | None, files: Files | Refusal | None
) -> Posting | Refusal:
    if isinstance(access, Refusal):
        return access
    if draft.channel is Channel.NOTE and not access.notes:
        return NoteIsNotAllowed()
    if members:
        draft = replace(draft, named=members)
    if isinstance(files, Refusal):  # what was posted before has its files, and cannot claim them again
        return Posting(draft, domain.sight(access), refused=files) if draft.keys else files
    return Posting(replace(draft, files=files) if files else draft, domain.sight(access))


async def _outcome(
    result: Posted | PostedBefore | Exception, ask: Ask[PostMessage, Principal], service: Service
) -> Encoded[Message] | Replayed[Message] | Exception:
    if isinstance(result, Posted):
        current_context.set(ask.context)
        log.info("message_posted", threadId=ask.request.thread_id, messageId=result.message.id, userId=ask.caller.user_id)
        return Encoded(result.json.encode())
    if isinstance(result, PostedBefore):
        try:
            return Replayed(domain.shown((await service.stored(result.message_id, ask.caller)).message))
        except Refusal as refusal:
            return refusal
    return result


def _draft(ask: Ask[PostMessage, Principal]) -> domain.Draft:
    request, caller, context = ask
    if not _RARE.isdisjoint(request.model_fields_set):  # an ordinary post says none of it
        domain.check_author(request, caller)
    return domain.Draft(
        thread_id=request.thread_id,
        author_id=caller.user_id,
        author_role=request.author_role or caller.role,
        author_name=request.author_name or caller.name,
        channel=request.channel,
        content=clean_beside_files(request.content) if request.attachment_ids else clean(request.content),
        reply_to=request.reply_to,
        metadata=request.metadata,
        content_metadata=request.content_metadata,
        client_message_id=request.client_message_id,
        keys=_keys(ask) if request.client_message_id or context.idempotency_key else {},
        trace=context.trace,
        message_type=request.message_type,
        delivery_status=request.delivery_status,
        robot_id=request.robot_id,
        robot_response_to=request.robot_response_to,
        visible_to_guests=request.is_robot_visible_to_guests,
        contact=request.author_contact,
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
    fields: list[Any] = [request.content, request.channel, request.reply_to, in_order(request.metadata), in_order(request.content_metadata)]
    rare = request.model_dump(include={*_RARE, "attachment_ids"}, exclude_defaults=True)
    return hashlib.sha256(to_json([*fields, rare] if rare else fields)).digest()
