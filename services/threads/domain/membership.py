"""Inviting, joining, changing and leaving, one participant at a time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.threads.domain.access import Part, Rights, is_guarded, whole
from services.threads.domain.participants import Entry
from shared.contracts.identity.directory import Member
from shared.contracts.messages.newest import NewestMessage
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import FieldError, RequestIsInvalid, ServiceIsUnavailable
from shared.contracts.threads.access import ThreadIsArchived, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.participants import (
    AddParticipant,
    AlreadyTakesPart,
    ChangeParticipant,
    CreatorStays,
    DirectThreadIsFixed,
    Participant,
    ParticipantNotFound,
    ParticipantRole,
    ParticipantStatus,
    ProjectThreadIsFixed,
    ThreadIsFull,
    ThreadNeedsAModerator,
    contact_key,
)
from shared.contracts.threads.threads import Kind, ThreadFacts

GONE = (ParticipantStatus.REMOVED, ParticipantStatus.LEFT)
_LESS = (ParticipantRole.OBSERVER, ParticipantRole.GUEST)
MILLISECOND = timedelta(milliseconds=1)
_CHANGEABLE = ("role", "participant_role", "status", "name", "can_send_messages", "can_invite_others", "can_see_history")


@dataclass(frozen=True, slots=True)
class Room:
    """A thread as one who changes something in it finds it.

    moderated: a moderator other than the one it is about takes part. peopled: anybody other than that one does, with an account.
    """

    thread: ThreadFacts
    may: Rights
    part: Part | None
    count: int
    moderated: bool = True
    peopled: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """The seat that one who comes in has, or had and left: muted or not."""

    seat: Participant
    left_muted: bool


@dataclass(frozen=True, slots=True)
class Admission:
    """Who comes into a thread, and what they may do there."""

    entry: Entry
    status: ParticipantStatus
    can_send_messages: bool
    can_invite_others: bool
    can_see_history: bool


def spec_role(role: Role) -> Role:
    """What spec 1 calls one who has this role in the workspace."""
    return Role.AGENT if role is Role.ADMIN else role


def admission(request: AddParticipant, room: Room, caller: Principal, known: Known | None, member: Member | None) -> Admission:
    """One who is invited, or joins. Raises the refusal that stands against it.

    Who does not manage the thread gives nobody more than they have themselves, and lifts nothing that holds for one who comes again.
    """
    own = request.user_id == caller.user_id
    if not room.may.sees:
        raise ThreadNotFound
    more = request.participant_role is ParticipantRole.MODERATOR or request.can_invite_others
    if not room.may.edits and (more or not (room.may.invites or (own and room.may.joins))):
        raise ThreadIsReadOnlyForYou
    _refuse_fixed(room.thread)
    if known is not None and known.seat.status not in GONE:
        raise AlreadyTakesPart
    if room.count >= room.thread.max_participants:
        raise ThreadIsFull
    role = _role(request, room.may, member)
    part = request.participant_role or (ParticipantRole.GUEST if role is Role.GUEST else ParticipantRole.MEMBER)
    if part is ParticipantRole.MODERATOR:
        refuse_as_moderator(request.user_id, member)
    user_id = request.user_id or (known.seat.user_id if known else None)
    asked = Admission(
        entry=Entry(role, part, request.name or (member.name if member else None), request.contact, user_id),
        status=ParticipantStatus.ACTIVE,
        can_send_messages=request.can_send_messages,
        can_invite_others=request.can_invite_others,
        can_see_history=request.can_see_history,
    )
    return asked if room.may.edits else _held(_no_more_than(asked, caller, room.part), known)


def _role(request: AddParticipant, may: Rights, member: Member | None) -> Role:
    """Who does not manage the thread names nobody what they are not; a guest is the least that there is."""
    if request.role is not None and (may.edits or request.role is Role.GUEST):
        return request.role
    return spec_role(member.role) if member else Role.CLIENT


def _no_more_than(asked: Admission, caller: Principal, part: Part | None) -> Admission:
    """Nobody shows another more than they see."""
    entry = replace(asked.entry, participant_role=ParticipantRole.GUEST) if is_guarded(caller, part) else asked.entry
    return replace(asked, entry=entry, can_see_history=asked.can_see_history and (part is None or part.can_see_history))


def _held(asked: Admission, known: Known | None) -> Admission:
    """What was kept from one who comes again stays so."""
    if known is None:
        return asked
    seat = known.seat
    return replace(
        asked,
        entry=replace(asked.entry, participant_role=seat.participant_role) if seat.participant_role in _LESS else asked.entry,
        status=ParticipantStatus.MUTED if known.left_muted else ParticipantStatus.ACTIVE,
        can_send_messages=asked.can_send_messages and seat.can_send_messages,
        can_see_history=asked.can_see_history and seat.can_see_history,
    )


def joined_at(now: datetime, newest: NewestMessage | None, *, sees_history: bool) -> datetime:
    """Since when one who comes in takes part: later than all that was said, whatever the clock did.

    Raises `ServiceIsUnavailable` where it decides what they see, and nobody could say what was said (`newest` is None).
    """
    if newest is None and not sees_history:
        raise ServiceIsUnavailable
    said = newest.at if newest else None
    return whole(now) if said is None else max(whole(now), said + MILLISECOND)


def alteration(request: ChangeParticipant, room: Room, found: Participant | None) -> dict[str, Any]:
    """The fields of a participant that will be others. Raises the refusal that stands against the change."""
    if not room.may.sees:
        raise ThreadNotFound
    if not room.may.edits:
        raise ThreadIsReadOnlyForYou
    if found is None or found.status in GONE:
        raise ParticipantNotFound
    _refuse_fixed(room.thread)
    sent = {name: getattr(request, name) for name in _CHANGEABLE if name in request.model_fields_set}
    changed = {name: value for name, value in sent.items() if value != getattr(found, name)}
    if found.participant_role is ParticipantRole.MODERATOR and "participant_role" in changed:
        if found.user_id == room.thread.creator_id:
            raise CreatorStays
        if not room.moderated and room.peopled:
            raise ThreadNeedsAModerator
    return changed


def departure(room: Room, caller: Principal, found: Participant | None) -> ParticipantStatus | None:
    """What one who goes is afterwards; None where they are gone already. Raises the refusal that stands against it."""
    if not room.may.sees:
        raise ThreadNotFound
    own = found is not None and _is(caller, found)
    if not own and not room.may.edits:
        raise ThreadIsReadOnlyForYou
    if found is None:
        raise ParticipantNotFound
    if found.status in GONE:
        return None
    _refuse_fixed(room.thread)
    if not own and found.user_id is not None and found.user_id == room.thread.creator_id:
        raise CreatorStays
    if found.participant_role is ParticipantRole.MODERATOR and not room.moderated and room.peopled:
        raise ThreadNeedsAModerator
    return ParticipantStatus.LEFT if own else ParticipantStatus.REMOVED


def refuse_as_moderator(user_id: UUID | None, member: Member | None) -> None:
    """Raises `RequestIsInvalid` for whoever can be no moderator: contacts without an account, and guests of the workspace."""
    if user_id is None or member is None or member.role is Role.GUEST:
        detail = "A moderator is a member of the workspace, and no guest there."
        raise RequestIsInvalid(errors=[FieldError(field="participantRole", code="not_for_guests", detail=detail)])


def _is(caller: Principal, found: Participant) -> bool:
    if found.user_id is not None:
        return found.user_id == caller.user_id
    key = contact_key(found.contact)
    return key is not None and key == contact_key(caller.contact)


def _refuse_fixed(thread: ThreadFacts) -> None:
    if thread.kind is Kind.PROJECT:
        raise ProjectThreadIsFixed
    if thread.archived:
        raise ThreadIsArchived
    if thread.kind is Kind.DIRECT:
        raise DirectThreadIsFixed
