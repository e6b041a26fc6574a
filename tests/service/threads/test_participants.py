"""Participants, one at a time: invited, joining, changed, leaving, removed."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.principal import Role
from shared.contracts.refusals import CursorIsNotValid, Refusal, RequestIsInvalid, ServiceIsUnavailable
from shared.contracts.threads.access import Access, Right, ThreadIsArchived, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.participants import (
    AlreadyTakesPart,
    CreatorStays,
    DirectThreadIsFixed,
    ParticipantNotFound,
    ParticipantPage,
    ParticipantRole,
    ParticipantStatus,
    ThreadIsFull,
    ThreadNeedsAModerator,
)
from shared.identifiers import new_id
from tests.service.threads.conftest import People, Service, sent


async def refusal_of(asking: Any) -> type[Refusal] | None:
    try:
        await asking
    except Refusal as refusal:
        return type(refusal)
    return None


def ids(page: ParticipantPage) -> list[UUID]:
    return [one.id for one in page.participants]


async def test_one_who_is_invited_takes_part_as_said(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    flags = {"canSendMessages": False, "canInviteOthers": True, "canSeeHistory": False}
    added = await threads.invite(thread, people.agent, people.client, contact="Ann@X.org", participantRole="observer", **flags)
    assert (added.user_id, added.role, added.participant_role) == (people.client.user_id, Role.CLIENT, ParticipantRole.OBSERVER)
    assert (added.name, added.contact, added.status, added.last_read_at) == ("Member", "Ann@X.org", ParticipantStatus.ACTIVE, None)
    assert (added.can_send_messages, added.can_invite_others, added.can_see_history) == (False, True, False)
    shown = await threads.get(thread, people.agent)
    assert (shown.participants[1], shown.participant_count) == (added, 2)
    for who in (added.id, people.client.user_id):
        assert await threads.participant(thread, who, people.client) == added
    assert await threads.events(thread) == ["thread_opened", "participant_added", "participant_added"]


async def test_a_contact_from_outside_is_invited_by_name(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    added = await threads.invite(thread, people.agent, name="Ann", contact="+44 1")
    assert (added.user_id, added.role, added.name) == (None, Role.CLIENT, "Ann")
    assert await refusal_of(threads.invite(thread, people.agent, name="Ben", contact="+44 1")) is AlreadyTakesPart
    assert await refusal_of(threads.set(thread, people.agent, added.id, participantRole="moderator")) is RequestIsInvalid


async def test_nobody_who_is_no_member_of_the_workspace_takes_part(threads: Service, people: People) -> None:
    stranger, thread = people.new(Role.CLIENT), await threads.open(people.agent)
    threads.identity.strangers.add(stranger.user_id)
    attempts = (
        (threads.invite(thread, people.agent, stranger), "userId"),
        (threads.open(people.agent, participants=[sent(people.client), sent(stranger)]), "participants.1.userId"),
        (threads.change(thread, people.agent, participants=[sent(stranger)]), "participants.0.userId"),
    )
    for attempt, field in attempts:
        with pytest.raises(RequestIsInvalid) as refusal:
            await attempt
        assert [(error.field, error.code) for error in refusal.value.errors] == [(field, "not_a_member")]
    assert (await threads.get(thread, people.agent)).participant_count == 1


async def test_those_who_take_part_stay_in_a_list_that_is_sent_whoever_they_are_by_now(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    threads.identity.strangers.add(people.client.user_id)
    changed = await threads.change(thread, people.agent, participants=[sent(people.client)])
    assert changed.participants == thread.participants


async def test_nobody_comes_in_while_identity_is_away(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    threads.identity.is_away = True
    try:
        assert await refusal_of(threads.invite(thread, people.agent, people.client)) is ServiceIsUnavailable
        await threads.invite(thread, people.agent, name="Ann")
    finally:
        threads.identity.is_away = False


async def test_nobody_comes_in_without_history_while_messages_is_away(threads: Service, people: People) -> None:
    """Where history begins for them is messages' to say, and nobody guesses it."""
    thread = await threads.open(people.agent)
    threads.counts.is_away = True
    try:
        assert await refusal_of(threads.invite(thread, people.agent, people.client, canSeeHistory=False)) is ServiceIsUnavailable
        await threads.invite(thread, people.agent, people.client)
    finally:
        threads.counts.is_away = False


async def test_who_may_invite_does_so_and_gives_no_more_than_they_have(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.other_client)])
    assert await refusal_of(threads.invite(thread, people.other_client, people.guest)) is ThreadIsReadOnlyForYou
    await threads.invite(thread, people.agent, people.client, canInviteOthers=True, canSeeHistory=False)
    assert not (await threads.invite(thread, people.client, people.guest)).can_see_history
    for more in ({"participantRole": "moderator"}, {"canInviteOthers": True}):
        assert await refusal_of(threads.invite(thread, people.client, people.owner, **more)) is ThreadIsReadOnlyForYou


async def test_who_sees_a_group_joins_it_and_a_private_one_needs_an_invitation(threads: Service, people: People) -> None:
    group, support = await threads.open(people.agent), await threads.open(people.agent, kind="support")
    joined = await threads.invite(group, people.owner, people.owner)
    assert (joined.participant_role, joined.status) == (ParticipantRole.MEMBER, ParticipantStatus.ACTIVE)
    assert await refusal_of(threads.invite(group, people.owner, people.owner)) is ThreadIsReadOnlyForYou
    assert await refusal_of(threads.invite(support, people.owner, people.owner)) is ThreadIsReadOnlyForYou
    private = await threads.open(people.agent, isPrivate=True)
    for thread in (private, group):
        caller = people.admin if thread is private else people.client
        assert await refusal_of(threads.invite(thread, caller, caller)) is ThreadNotFound


async def test_no_more_take_part_than_may_however_many_come_at_once(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, maxParticipants=4)
    comers = [people.new(Role.CLIENT) for _ in range(12)]
    outcomes = await asyncio.gather(*(refusal_of(threads.invite(thread, people.agent, comer)) for comer in comers))
    assert sorted(outcome.__name__ if outcome else "" for outcome in outcomes) == ["", "", "", *["ThreadIsFull"] * 9]
    shown = await threads.get(thread, people.agent)
    assert (shown.participant_count, len(shown.participants)) == (4, 4)
    await threads.remove(thread, people.agent, shown.participants[1].id)
    await threads.invite(thread, people.agent, people.guest)
    assert await refusal_of(threads.invite(thread, people.agent, people.client)) is ThreadIsFull


async def test_the_same_one_comes_once_however_often_they_are_invited_at_once(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    outcomes = await asyncio.gather(*(refusal_of(threads.invite(thread, people.agent, people.client)) for _ in range(6)))
    assert sorted(outcome.__name__ if outcome else "" for outcome in outcomes) == ["", *["AlreadyTakesPart"] * 5]


async def test_who_is_removed_is_refused_in_the_very_next_request(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.get(thread, people.client)
    await threads.remove(thread, people.agent, people.client.user_id, reason="Was rude")
    asked = (
        threads.get(thread, people.client),
        threads.participants(thread, people.client),
        threads.access(thread, people.client, Right.READ),
        threads.remove(thread, people.client, people.client.user_id),
    )
    for attempt in asked:
        assert await refusal_of(attempt) is ThreadNotFound
    await threads.remove(thread, people.agent, people.client.user_id)
    assert (await threads.events(thread)).count("participant_removed") == 1, "again changes nothing"


async def test_who_comes_again_takes_their_place_as_one_who_is_new(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    first = await threads.invite(thread, people.agent, people.client, canSendMessages=False, canSeeHistory=False)
    await threads.set(thread, people.agent, first.id, status="muted")
    await threads.remove(thread, people.client, first.id)
    again = await threads.invite(thread, people.agent, people.client)
    assert (again.id, again.status, again.can_send_messages, again.can_see_history) == (first.id, ParticipantStatus.ACTIVE, True, True)
    assert again.joined_at > first.joined_at
    assert isinstance(await threads.access(thread, people.client), Access)


async def test_what_was_kept_from_one_who_comes_again_is_lifted_by_managers_alone(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, isPrivate=True)
    await threads.invite(thread, people.agent, people.other_client, canInviteOthers=True)
    more = {"participantRole": "observer", "canSendMessages": False, "canSeeHistory": False}
    seat = await threads.invite(thread, people.agent, people.client, **more)
    await threads.set(thread, people.agent, seat.id, status="muted")
    for gone_by in (people.client, people.agent):
        await threads.remove(thread, gone_by, seat.id)
        again = await threads.invite(thread, people.other_client, people.client)
        assert (again.status, again.participant_role) == (ParticipantStatus.MUTED, ParticipantRole.OBSERVER)
        assert (again.can_send_messages, again.can_see_history) == (False, False)
    await threads.change(thread, people.agent, participants=[sent(people.other_client)])
    assert (await threads.invite(thread, people.other_client, people.client)).status is ParticipantStatus.MUTED
    await threads.remove(thread, people.client, seat.id)
    again = await threads.invite(thread, people.agent, people.client)
    assert (again.status, again.participant_role) == (ParticipantStatus.ACTIVE, ParticipantRole.MEMBER)
    assert (again.can_send_messages, again.can_see_history) == (True, True)


async def test_a_contact_who_comes_again_takes_their_seat_again(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    await threads.invite(thread, people.agent, people.client, canInviteOthers=True)
    ann: dict[str, Any] = {"name": "Ann", "contact": "ann@x.org"}
    first = await threads.invite(thread, people.agent, **ann, canSendMessages=False)
    await threads.remove(thread, people.agent, first.id)
    again = await threads.invite(thread, people.client, **ann)
    assert (again.id, again.can_send_messages) == (first.id, False)


async def test_who_sees_what_guests_see_brings_in_guests(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    await threads.invite(thread, people.agent, people.client, participantRole="guest", canInviteOthers=True)
    for role in (None, "member", "observer"):
        more = {"participantRole": role} if role else {}
        added = await threads.invite(thread, people.client, people.new(Role.CLIENT), **more)
        assert added.participant_role is ParticipantRole.GUEST


async def test_who_does_not_manage_a_thread_names_nobody_what_they_are_not(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    await threads.invite(thread, people.agent, people.client, canInviteOthers=True)
    threads.identity.roles[people.owner.user_id] = Role.PRODUCT_OWNER
    added = [
        await threads.invite(thread, people.client, people.owner, role="admin"),
        await threads.invite(thread, people.client, name="Ann", role="agent"),
        await threads.invite(thread, people.client, name="Gus", role="guest"),
    ]
    assert [one.role for one in added] == [Role.PRODUCT_OWNER, Role.CLIENT, Role.GUEST]
    assert added[2].participant_role is ParticipantRole.GUEST
    assert (await threads.invite(thread, people.agent, name="Ada", role="admin")).role is Role.ADMIN


async def test_those_who_were_there_are_listed_for_those_who_manage_the_thread(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client), sent(people.guest)])
    await threads.remove(thread, people.client, people.client.user_id)
    await threads.remove(thread, people.agent, people.guest.user_id)
    for status, who in (("left", people.client), ("removed", people.guest)):
        (gone,) = (await threads.participants(thread, people.agent, status=status)).participants
        assert (gone.user_id, gone.status.value) == (who.user_id, status)
        assert await refusal_of(threads.participants(thread, people.owner, status=status)) is ThreadIsReadOnlyForYou
        assert await refusal_of(threads.participant(thread, gone.id, people.agent)) is ParticipantNotFound


async def test_the_list_is_paged_and_filtered(threads: Service, people: People) -> None:
    crowd = [{"role": "client", "name": f"{number}"} for number in range(7)]
    thread = await threads.open(people.agent, participants=[*crowd, sent(people.client)])
    everybody = ids(await threads.participants(thread, people.client))
    assert everybody == [one.id for one in (await threads.get(thread, people.client)).participants]
    paged: list[UUID] = []
    page = await threads.participants(thread, people.client, limit=4)
    while True:
        paged += ids(page)
        if page.next_cursor is None:
            break
        page = await threads.participants(thread, people.client, limit=4, cursor=page.next_cursor)
    assert paged == everybody
    await threads.set(thread, people.agent, people.client.user_id, status="muted")
    assert ids(await threads.participants(thread, people.agent, status="muted")) == everybody[-1:]
    assert ids(await threads.participants(thread, people.agent, participantRole="moderator")) == everybody[:1]
    assert ids(await threads.participants(thread, people.agent, role="agent")) == everybody[:1]
    cursor = (await threads.participants(thread, people.client, limit=4)).next_cursor
    other = await threads.open(people.client)
    for elsewhere, more in ((other, {}), (thread, {"role": "client"})):
        assert await refusal_of(threads.participants(elsewhere, people.client, cursor=cursor, **more)) is CursorIsNotValid


async def test_a_page_is_the_contracts_own_form(threads: Service, people: People) -> None:
    """PostgreSQL writes a page's JSON; a single participant's is written by the contract."""
    outside = {"role": "client", "name": 'Say "ü" \\ <b>x</b>\t😀', "contact": "ü@example.com"}
    thread = await threads.open(people.agent, participants=[outside, sent(people.client)])
    await threads.database.execute(
        "UPDATE threads.participants SET last_read_at = now() WHERE thread_id = $1 AND user_id IS NOT NULL", thread.id
    )
    for found in (await threads.participants(thread, people.agent)).participants:
        one = await threads.participant(thread, found.id, people.agent)
        assert found.model_dump_json() == one.model_dump_json()


async def test_a_change_says_what_is_other_and_is_told_once(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    added = await threads.invite(thread, people.agent, people.client)
    changed = await threads.set(thread, people.agent, added.id, participantRole="moderator", name="Ann", canInviteOthers=True)
    expected = {"participant_role": ParticipantRole.MODERATOR, "name": "Ann", "can_invite_others": True}
    assert changed == added.model_copy(update=expected)
    assert await threads.set(thread, people.client, added.id, name="Ann") == changed, "a moderator manages, and nothing is other"
    assert (await threads.events(thread)).count("participant_changed") == 1
    assert (await threads.get(thread, people.agent)).participants[1] == changed


async def test_a_guest_of_the_workspace_never_moderates(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    threads.identity.roles[people.guest.user_id] = Role.GUEST
    assert await refusal_of(threads.invite(thread, people.agent, people.guest, participantRole="moderator")) is RequestIsInvalid
    added = await threads.invite(thread, people.agent, people.guest)
    assert (added.role, added.participant_role) == (Role.GUEST, ParticipantRole.GUEST)
    assert await refusal_of(threads.set(thread, people.agent, added.id, participantRole="moderator")) is RequestIsInvalid


async def test_a_thread_keeps_a_moderator_while_others_take_part(threads: Service, people: People) -> None:
    thread = await threads.open(people.client, participants=[sent(people.other_client)])
    assert await refusal_of(threads.remove(thread, people.client, people.client.user_id)) is ThreadNeedsAModerator
    assert await refusal_of(threads.remove(thread, people.agent, people.client.user_id)) is CreatorStays
    assert await refusal_of(threads.set(thread, people.agent, people.client.user_id, participantRole="member")) is CreatorStays
    await threads.set(thread, people.client, people.other_client.user_id, participantRole="moderator")
    await threads.remove(thread, people.client, people.client.user_id)
    assert await refusal_of(threads.get(thread, people.client)) is ThreadNotFound
    assert await refusal_of(threads.set(thread, people.agent, people.other_client.user_id, participantRole="member")) is None


async def test_neither_an_archived_nor_a_direct_threads_participants_change(threads: Service, people: People) -> None:
    archived = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.archive(archived, people.agent)
    direct = await threads.open(people.agent, kind="direct", participants=[sent(people.client)])
    for thread, refusal in ((archived, ThreadIsArchived), (direct, DirectThreadIsFixed)):
        attempts = (
            threads.invite(thread, people.agent, people.guest),
            threads.set(thread, people.agent, people.client.user_id, status="muted"),
            threads.remove(thread, people.agent, people.client.user_id),
            threads.remove(thread, people.client, people.client.user_id),
        )
        for attempt in attempts:
            assert await refusal_of(attempt) is refusal


async def test_who_is_not_there_is_not_found(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    other = await threads.open(people.agent, participants=[sent(people.client)])
    for who in (new_id(), people.client.user_id, other.participants[1].id):
        for attempt in (
            threads.participant(thread, who, people.agent),
            threads.set(thread, people.agent, who, status="muted"),
            threads.remove(thread, people.agent, who),
        ):
            assert await refusal_of(attempt) is ParticipantNotFound
