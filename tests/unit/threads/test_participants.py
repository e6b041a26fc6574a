"""Who takes part in a thread, and how a list of them comes about."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.threads.domain.participants import Entry, Seat, direct_key, opening, seating
from shared.contracts.principal import Principal, Role
from shared.contracts.refusals import RequestIsInvalid
from shared.contracts.threads.participants import NewParticipant, ParticipantRole, contact_key
from shared.contracts.threads.threads import Kind, OpenThread
from shared.identifiers import new_id

CREATOR, ANNA, BEN = new_id(), new_id(), new_id()


def caller(role: Role = Role.AGENT, contact: str | None = None) -> Principal:
    return Principal(user_id=CREATOR, session_id=new_id(), workspace_id=new_id(), role=role, name="Ada", contact=contact, grants=0)


def client(user_id: UUID | None = None, name: str | None = None, contact: str | None = None) -> NewParticipant:
    return NewParticipant(role=Role.CLIENT, user_id=user_id, name=name or (None if user_id or contact else "Nobody"), contact=contact)


def request(*participants: NewParticipant, most: int = 50) -> OpenThread:
    return OpenThread(booking_id="B-1", title="T", participants=list(participants), max_participants=most)


def seat(user_id: UUID | None = None, name: str | None = None, contact: str | None = None, *, left: bool = False) -> Seat:
    entry = Entry(Role.CLIENT, ParticipantRole.MEMBER, name, contact, user_id)
    return Seat(new_id(), entry, left, 1)


def creator_seat(contact: str | None = None) -> Seat:
    return Seat(new_id(), Entry(Role.AGENT, ParticipantRole.MODERATOR, "Ada", contact, CREATOR), False, 1)


@pytest.mark.parametrize(
    ("role", "as_role"),
    [
        (Role.ADMIN, Role.AGENT),
        (Role.AGENT, Role.AGENT),
        (Role.PRODUCT_OWNER, Role.PRODUCT_OWNER),
        (Role.CLIENT, Role.CLIENT),
    ],
)
def test_a_creator_is_the_first_participant_and_moderates(role: Role, as_role: Role) -> None:
    creator, other = opening(request(client(ANNA)), caller(role, "ada@x.org"))
    assert creator == Entry(as_role, ParticipantRole.MODERATOR, "Ada", "ada@x.org", CREATOR)
    assert other == Entry(Role.CLIENT, ParticipantRole.MEMBER, None, None, ANNA)


def test_a_creator_who_is_sent_too_is_one_participant() -> None:
    (creator,) = opening(request(client(CREATOR, "Ada L.", "+44 1")), caller(contact="ada@x.org"))
    assert creator == Entry(Role.AGENT, ParticipantRole.MODERATOR, "Ada L.", "+44 1", CREATOR)


def test_a_creator_who_is_sent_by_their_verified_email_is_one_participant() -> None:
    (creator,) = opening(request(client(contact="ADA@x.org")), caller(contact="ada@x.org"))
    assert creator == Entry(Role.AGENT, ParticipantRole.MODERATOR, "Ada", "ADA@x.org", CREATOR)


def test_a_creator_whose_contact_is_another_participants_goes_without() -> None:
    creator, _ = opening(request(client(ANNA, contact="ada@x.org")), caller(contact="ada@x.org"))
    assert creator.contact is None


def test_somebody_with_the_role_guest_takes_part_as_guest() -> None:
    _, guest = opening(request(NewParticipant(role=Role.GUEST, name="Gus")), caller())
    assert guest.participant_role is ParticipantRole.GUEST


@pytest.mark.parametrize(
    ("twins", "field"),
    [
        ([client(ANNA), client(ANNA, contact="a@x.org")], "participants.1.userId"),
        ([client(contact="a@x.org"), client(ANNA, contact="A@X.org")], "participants.1.contact"),
    ],
)
def test_nobody_is_in_a_list_twice(twins: list[NewParticipant], field: str) -> None:
    with pytest.raises(RequestIsInvalid) as refusal:
        opening(request(*twins), caller())
    assert [error.field for error in refusal.value.errors] == [field]
    with pytest.raises(RequestIsInvalid):
        seating([creator_seat()], twins, CREATOR)


def test_more_than_may_take_part_are_refused() -> None:
    opening(request(client(ANNA), most=2), caller())
    with pytest.raises(RequestIsInvalid) as refusal:
        opening(request(client(ANNA), client(BEN), most=2), caller())
    assert [(error.field, error.code) for error in refusal.value.errors] == [("participants", "too_many")]


def test_contacts_are_the_same_whatever_the_form_of_their_characters() -> None:
    assert contact_key(" Rene\u0301@X.org") == contact_key("ren\u00e9@x.org")


def test_a_pair_has_one_key_whoever_asks() -> None:
    ada, anna = creator_seat().entry, seat(ANNA).entry
    assert direct_key([ada, anna]) == direct_key([anna, ada])


def test_a_direct_thread_is_with_somebody_else() -> None:
    to_oneself = OpenThread(kind=Kind.DIRECT, title="T", participants=[client(CREATOR)])
    with pytest.raises(RequestIsInvalid):
        opening(to_oneself, caller())
    assert [one.user_id for one in opening(to_oneself.model_copy(update={"participants": [client(ANNA)]}), caller())] == [CREATOR, ANNA]


def test_those_who_are_not_sent_go_and_the_creator_stays() -> None:
    creator, anna = creator_seat(), seat(ANNA)
    result = seating([creator, anna], [], CREATOR)
    assert (result.removed, result.changed, result.added, result.count) == ([anna], [], [], 1)


def test_those_who_are_sent_again_stay_as_they_are() -> None:
    creator, anna, ben, nobody = creator_seat(), seat(ANNA, "Anna"), seat(name="Ben", contact="ben@x.org"), seat(name="Nobody")
    sent = [client(ANNA), client(contact="ben@x.org"), client(name="Nobody")]
    result = seating([creator, anna, ben, nobody], sent, CREATOR)
    assert (result.removed, result.changed, result.returned, result.added, result.count) == ([], [], [], [], 4)


def test_a_contact_matches_whatever_its_case_and_gets_the_account_that_is_sent() -> None:
    ben = seat(name="Ben", contact="Ben@x.org")
    result = seating([creator_seat(), ben], [client(BEN, contact="bEN@x.org")], CREATOR)
    assert result.changed == [(ben, Entry(Role.CLIENT, ParticipantRole.MEMBER, "Ben", "bEN@x.org", BEN))]


def test_a_contact_that_another_account_brings_is_another_participant() -> None:
    anna = seat(ANNA, contact="team@x.org")
    result = seating([creator_seat(), anna], [client(BEN, contact="team@x.org")], CREATOR)
    assert result.removed == [anna]
    assert [one.user_id for one in result.added] == [BEN]


def test_the_creators_role_is_not_changed_by_a_list() -> None:
    creator = creator_seat("ada@x.org")
    result = seating([creator], [client(CREATOR, "Countess", "ada@x.org")], CREATOR)
    assert result.changed == [(creator, Entry(Role.AGENT, ParticipantRole.MODERATOR, "Countess", "ada@x.org", CREATOR))]


def test_a_creator_who_is_not_sent_lets_go_of_a_contact_that_another_takes() -> None:
    creator = creator_seat("desk@x.org")
    result = seating([creator], [client(ANNA, contact="desk@x.org")], CREATOR)
    assert [(found.id, entry.contact) for found, entry in result.changed] == [(creator.id, None)]


def test_a_user_who_left_takes_their_seat_again() -> None:
    gone = seat(ANNA, left=True)
    result = seating([creator_seat(), gone], [client(ANNA, "Anna")], CREATOR)
    assert result.returned == [(gone, Entry(Role.CLIENT, ParticipantRole.MEMBER, "Anna", None, ANNA))]
    assert (result.added, result.removed, result.count) == ([], [], 2)


people = st.sampled_from([None, *(new_id() for _ in range(4))])
contacts = st.sampled_from([None, "a@x.org", "A@x.org", "b@x.org", "c@x.org"])
lists = st.lists(st.builds(client, people, st.sampled_from([None, "Nobody", "Ada"]), contacts), max_size=6)


def distinct(sent: Sequence[NewParticipant]) -> bool:
    users = [one.user_id for one in sent if one.user_id]
    keys = [contact_key(one.contact) for one in sent if one.contact]
    return len(set(users)) == len(users) and len(set(keys)) == len(keys)


@given(lists.filter(distinct), lists.filter(distinct))
def test_a_list_sent_is_the_list_there_is(first: list[NewParticipant], second: list[NewParticipant]) -> None:
    """Whatever was there: all who are sent take part, with the creator, each account and each contact once; sent again, nothing changes."""
    seats = sit([creator_seat()], first)
    seats = sit(seats, second)
    here = [found.entry for found in seats if not found.left]
    users = [one.user_id for one in here if one.user_id]
    keys = [one.key for one in here if one.key]
    assert sorted(set(users)) == sorted(users)
    assert sorted(set(keys)) == sorted(keys)
    assert {one.user_id for one in second if one.user_id} | {CREATOR} <= set(users)
    assert set(keys) == {contact_key(one.contact) for one in second if one.contact}
    again = seating(seats, second, CREATOR)
    assert (again.removed, again.changed, again.returned, again.added) == ([], [], [], [])
    assert again.count == len(here)


def sit(seats: list[Seat], sent: list[NewParticipant]) -> list[Seat]:
    result = seating(seats, sent, CREATOR)
    gone = {one.id for one in result.removed}
    words = {found.id: entry for found, entry in (*result.changed, *result.returned)}
    kept = [
        Seat(one.id, words.get(one.id, one.entry), one.id in gone or (one.left and one.id not in words), one.version + 1) for one in seats
    ]
    return [*kept, *(Seat(new_id(), entry, False, 1) for entry in result.added)]
