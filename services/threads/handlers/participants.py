"""Those who take part in a thread: listed, invited, changed, gone."""

import asyncio
from uuid import UUID

import structlog

from services.threads.domain.membership import GONE, refuse_as_moderator
from services.threads.domain.participants import refuse_strangers
from services.threads.repository.membership import Seat
from services.threads.service import Service
from shared import cursors
from shared.contracts.model import Nothing
from shared.contracts.principal import Principal
from shared.contracts.threads.access import ThreadIsReadOnlyForYou
from shared.contracts.threads.participants import (
    AddParticipant,
    ChangeParticipant,
    GetParticipant,
    ListParticipants,
    Participant,
    ParticipantPage,
    ParticipantRole,
    RemoveParticipant,
)
from shared.database.idempotency import MadeBefore
from shared.messaging.work import Encoded, Replayed

log = structlog.get_logger()


async def list_participants(request: ListParticipants, caller: Principal, service: Service) -> Encoded[ParticipantPage]:
    list_name = f"participants:{request.thread_id}:{request.status}:{request.role}:{request.participant_role}"
    after = Seat(*cursors.decode(list_name, request.cursor, cursors.MOMENT_AND_ID)) if request.cursor is not None else None
    look = await service.look(request.thread_id, caller)
    if request.status in GONE and not look.may.edits:
        raise ThreadIsReadOnlyForYou
    found = await service.membership.page(request, after, caller.workspace_id)
    cursor = f'"{cursors.encode(list_name, found.last.joined_at, found.last.id)}"' if found.more and found.last else "null"
    more = "true" if found.more else "false"
    return Encoded(f'{{"participants":[{",".join(found.json)}],"hasMore":{more},"nextCursor":{cursor}}}'.encode())


async def get_participant(request: GetParticipant, caller: Principal, service: Service) -> Participant:
    return await _seen(request.thread_id, request.participant_id, caller, service)


async def add_participant(request: AddParticipant, caller: Principal, service: Service) -> Participant | Replayed[Participant]:
    await service.look(request.thread_id, caller)
    person, newest = await asyncio.gather(
        service.members.person(request.user_id, request.contact, caller), service.newest.if_there(request.thread_id, caller)
    )
    refuse_strangers([("userId", request.user_id)], {person.id} if person else set())
    try:
        added = await service.membership.add(request, caller, person, newest)
    except MadeBefore as before:
        participant_id = UUID(before.thing_id.partition(" ")[0])
        return Replayed(await _seen(request.thread_id, participant_id, caller, service))
    log.info("participant_added", threadId=str(request.thread_id), participantId=str(added.id), userId=str(caller.user_id))
    return added


async def change_participant(request: ChangeParticipant, caller: Principal, service: Service) -> Participant:
    """Whether somebody can be a moderator is identity's to say: guests of the workspace cannot."""
    if request.participant_role is ParticipantRole.MODERATOR and "participant_role" in request.model_fields_set:
        found = await _seen(request.thread_id, request.participant_id, caller, service)
        if found.participant_role is not ParticipantRole.MODERATOR:
            refuse_as_moderator(found.user_id, await service.members.one(found.user_id, caller))
    changed = await service.membership.change(request, caller)
    log.info("participant_changed", threadId=str(request.thread_id), participantId=str(changed.id), userId=str(caller.user_id))
    return changed


async def remove_participant(request: RemoveParticipant, caller: Principal, service: Service) -> Nothing:
    removed = await service.membership.remove(request, caller, await _contact_of(request, caller, service))
    log.info("participant_removed", threadId=str(request.thread_id), participantId=str(removed.id), userId=str(caller.user_id))
    return Nothing()


async def _seen(thread_id: UUID, participant_id: UUID, caller: Principal, service: Service) -> Participant:
    await service.look(thread_id, caller)
    return await service.membership.get(thread_id, participant_id, caller)


async def _contact_of(request: RemoveParticipant, caller: Principal, service: Service) -> str | None:
    """By what else the one who goes may have a seat: the contact that is verified to be theirs."""
    user_id = await service.membership.user_of(request.thread_id, request.participant_id, caller.workspace_id)
    if user_id == caller.user_id:
        return caller.contact
    member = await service.members.one(user_id, caller)
    return member.contact if member else None
