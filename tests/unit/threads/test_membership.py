"""Who may invite, join, change and leave, one participant at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.threads.domain.access import Part, Rights
from services.threads.domain.membership import Known, Room, admission, alteration, departure, joined_at
from shared.contracts.identity.directory import Member
from shared.contracts.messages.newest import NewestMessage
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import Refusal, RequestIsInvalid, ServiceIsUnavailable
from shared.contracts.threads.access import State, ThreadIsArchived, ThreadIsReadOnlyForYou, ThreadNotFound
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
    ThreadIsFull,
    ThreadNeedsAModerator,
)
from shared.contracts.threads.threads import Kind, Status, ThreadFacts
from shared.identifiers import new_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CREATOR, ANNA, ADA = new_id(), new_id(), new_id()
MANAGES = Rights(sees=True, posts=True, invites=True, edits=True, manages=True)
INVITES = Rights(sees=True, posts=True, invites=True)
JOINS = Rights(sees=True, joins=True)
READS = Rights(sees=True)
HIDDEN = Rights(sees=False)
CALLER = Principal(user_id=ADA, session_id=new_id(), workspace_id=new_id(), role=Role.CLIENT, name="Ada", contact="ada@x.org", grants=0)


def room(may: Rights, *, kind: Kind = Kind.GROUP, state: State = State.ACTIVE, **more: Any) -> Room:
    thread = ThreadFacts(
        id=new_id(),
        kind=kind,
        booking_id=None,
        ref=None,
        title="Trip",
        client_name=None,
        status=Status.DRAFT,
        state=state,
        archived=state is State.ARCHIVED,
        description=None,
        issue_id=None,
        issue_description=None,
        is_private=False,
        guest_access_allowed=True,
        max_participants=3,
        creator_id=CREATOR,
        parent_thread_id=None,
        escalation_level=1,
        settings={},
        created_at=NOW,
        updated_at=NOW,
    )
    return Room(**{"thread": thread, "may": may, "part": None, "count": 2, **more})


def somebody(user_id: UUID | None = ANNA, **more: Any) -> Participant:
    shown = {"role": "client", "participant_role": "member", "name": "Anna", "contact": None, "status": "active", "joined_at": NOW}
    return Participant.model_validate({"id": new_id(), "user_id": user_id, **shown, **more})


def member(role: Role = Role.CLIENT, user_id: UUID = ANNA) -> Member:
    return Member(id=user_id, username="anna", name="Anna", role=role)


def inviting(**sent: Any) -> AddParticipant:
    return AddParticipant.model_validate({"threadId": new_id(), "userId": ANNA, **sent})


def changing(**sent: Any) -> ChangeParticipant:
    return ChangeParticipant.model_validate({"threadId": new_id(), "participantId": new_id(), **sent})


@pytest.mark.parametrize(
    ("may", "sent", "refusal"),
    [
        (MANAGES, {}, None),
        (MANAGES, {"participantRole": "moderator", "canInviteOthers": True}, None),
        (INVITES, {}, None),
        (INVITES, {"participantRole": "observer"}, None),
        (INVITES, {"participantRole": "moderator"}, ThreadIsReadOnlyForYou),
        (INVITES, {"canInviteOthers": True}, ThreadIsReadOnlyForYou),
        (JOINS, {}, ThreadIsReadOnlyForYou),
        (JOINS, {"userId": ADA}, None),
        (JOINS, {"userId": ADA, "participantRole": "moderator"}, ThreadIsReadOnlyForYou),
        (READS, {"userId": ADA}, ThreadIsReadOnlyForYou),
        (HIDDEN, {"userId": ADA}, ThreadNotFound),
    ],
)
def test_who_brings_somebody_in(may: Rights, sent: dict[str, Any], refusal: type[Refusal] | None) -> None:
    if refusal is None:
        assert admission(inviting(**sent), room(may), CALLER, None, member()).entry.name == "Anna"
        return
    with pytest.raises(refusal):
        admission(inviting(**sent), room(may), CALLER, None, member())


def test_what_is_not_said_of_one_who_comes_is_as_the_workspace_has_it() -> None:
    entry = admission(inviting(), room(MANAGES), CALLER, None, member(Role.ADMIN)).entry
    assert (entry.role, entry.participant_role) == (Role.AGENT, ParticipantRole.MEMBER)
    entry = admission(inviting(), room(MANAGES), CALLER, None, member(Role.GUEST)).entry
    assert (entry.role, entry.participant_role) == (Role.GUEST, ParticipantRole.GUEST)


def test_nobody_shows_another_more_than_they_see() -> None:
    late = Part(ParticipantRole.MEMBER, ParticipantStatus.ACTIVE, can_invite_others=True, can_see_history=False, joined_at=NOW)
    assert not admission(inviting(), room(INVITES, part=late), CALLER, None, member()).can_see_history
    assert admission(inviting(), room(MANAGES, part=late), CALLER, None, member()).can_see_history


@pytest.mark.parametrize("who", [None, member(Role.GUEST)])
def test_guests_and_those_without_an_account_are_no_moderators(who: Member | None) -> None:
    with pytest.raises(RequestIsInvalid) as refusal:
        admission(inviting(participantRole="moderator"), room(MANAGES), CALLER, None, who)
    assert [(error.field, error.code) for error in refusal.value.errors] == [("participantRole", "not_for_guests")]


def test_the_state_of_a_thread_stands_against_coming_in() -> None:
    for found, place in (
        (AlreadyTakesPart, room(MANAGES)),
        (ThreadIsFull, room(MANAGES, count=3)),
        (ThreadIsArchived, room(MANAGES, state=State.ARCHIVED)),
        (DirectThreadIsFixed, room(MANAGES, kind=Kind.DIRECT)),
    ):
        with pytest.raises(found):
            admission(inviting(), place, CALLER, Known(somebody(), False) if found is AlreadyTakesPart else None, member())
    admission(inviting(), room(MANAGES, state=State.CLOSED), CALLER, Known(somebody(status="removed"), False), member())


def test_what_is_sent_and_differs_is_changed() -> None:
    found = somebody()
    sent = changing(status="muted", participantRole="member", canSeeHistory=False, name=None)
    assert alteration(sent, room(MANAGES), found) == {"status": ParticipantStatus.MUTED, "can_see_history": False, "name": None}
    assert alteration(changing(), room(MANAGES), found) == {}


@pytest.mark.parametrize(
    ("place", "found", "refusal"),
    [
        (room(HIDDEN), somebody(), ThreadNotFound),
        (room(INVITES), somebody(), ThreadIsReadOnlyForYou),
        (room(MANAGES), None, ParticipantNotFound),
        (room(MANAGES), somebody(status="left"), ParticipantNotFound),
        (room(MANAGES, state=State.ARCHIVED), somebody(), ThreadIsArchived),
        (room(MANAGES, kind=Kind.DIRECT), somebody(), DirectThreadIsFixed),
        (room(MANAGES), somebody(CREATOR, participant_role="moderator"), CreatorStays),
        (room(MANAGES, moderated=False), somebody(participant_role="moderator"), ThreadNeedsAModerator),
    ],
)
def test_what_stands_against_a_change(place: Room, found: Participant | None, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        alteration(changing(participantRole="observer"), place, found)


@pytest.mark.parametrize(
    ("place", "found", "gone"),
    [
        (room(MANAGES), somebody(), ParticipantStatus.REMOVED),
        (room(READS), somebody(ADA), ParticipantStatus.LEFT),
        (room(READS), somebody(None, contact="Ada@X.org"), ParticipantStatus.LEFT),
        (room(MANAGES), somebody(status="removed"), None),
        (room(MANAGES), somebody(ADA, participant_role="moderator"), ParticipantStatus.LEFT),
        (room(MANAGES, moderated=False, peopled=False), somebody(ADA, participant_role="moderator"), ParticipantStatus.LEFT),
    ],
)
def test_who_goes_is_removed_or_has_left(place: Room, found: Participant, gone: ParticipantStatus | None) -> None:
    assert departure(place, CALLER, found) is gone


@pytest.mark.parametrize(
    ("place", "found", "refusal"),
    [
        (room(HIDDEN), somebody(), ThreadNotFound),
        (room(INVITES), somebody(), ThreadIsReadOnlyForYou),
        (room(READS), None, ThreadIsReadOnlyForYou),
        (room(MANAGES), None, ParticipantNotFound),
        (room(MANAGES), somebody(CREATOR), CreatorStays),
        (room(READS, state=State.ARCHIVED), somebody(ADA), ThreadIsArchived),
        (room(READS, kind=Kind.DIRECT), somebody(ADA), DirectThreadIsFixed),
        (room(MANAGES, moderated=False), somebody(ADA, participant_role="moderator"), ThreadNeedsAModerator),
    ],
)
def test_what_stands_against_going(place: Room, found: Participant | None, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        departure(place, CALLER, found)


def test_who_comes_in_takes_part_from_after_all_that_was_said() -> None:
    second, millisecond, some = timedelta(seconds=1), timedelta(milliseconds=1), timedelta(microseconds=1_999)
    for at, joined in ((None, NOW), (NOW - second, NOW), (NOW, NOW + millisecond), (NOW + second, NOW + second + millisecond)):
        assert joined_at(NOW, NewestMessage(at=at), sees_history=False) == joined
    assert joined_at(NOW + some, NewestMessage(at=None), sees_history=False) == NOW + millisecond, "whole, as messages' times are"
    assert joined_at(NOW, None, sees_history=True) == NOW
    with pytest.raises(ServiceIsUnavailable):
        joined_at(NOW, None, sees_history=False)
