"""Opening threads."""

import asyncio
from typing import Any

import pytest
from pydantic import TypeAdapter
from pydantic_core import to_json

from shared.contracts.principal import Role
from shared.contracts.refusals import PermissionIsMissing, RefusalView
from shared.contracts.threads.access import State
from shared.contracts.threads.participants import ParticipantRole, ParticipantStatus
from shared.contracts.threads.threads import OPEN_THREAD, BookingHasAThread, Status, Thread, ThreadFacts
from shared.messaging.frames import PRINCIPAL_HEADER
from tests.service.threads.conftest import People, Service, sent


async def test_a_thread_has_all_that_was_sent(threads: Service, people: People) -> None:
    said = {
        "kind": "booking",
        "bookingId": "B-1",
        "ref": "BKG-1234",
        "title": "A trip",
        "clientName": "Ann",
        "status": "Confirmed",
        "description": "d",
        "issueId": "I-1",
        "issueDescription": "i",
        "isPrivate": True,
        "guestAccessAllowed": False,
        "maxParticipants": 7,
        "settings": {"colour": "blue", "nested": {"a": [1, None]}},
    }
    thread = await threads.open(people.agent, **said, participants=[{"role": "client", "name": "Ann", "contact": "Ann@X.org"}])
    shown = thread.model_dump(mode="json", by_alias=True)
    assert {name: shown[name] for name in said} == said
    assert (thread.state, thread.archived, thread.escalation_level, thread.parent_thread_id) == (State.ACTIVE, False, 1, None)
    assert (thread.creator_id, thread.last_message, thread.last_seq, thread.participant_count) == (people.agent.user_id, None, 0, 2)
    creator, ann = thread.participants
    assert (creator.user_id, creator.role, creator.participant_role) == (people.agent.user_id, Role.AGENT, ParticipantRole.MODERATOR)
    assert (ann.user_id, ann.role, ann.name, ann.contact) == (None, Role.CLIENT, "Ann", "Ann@X.org")
    assert (ann.participant_role, ann.status, ann.joined_at) == (ParticipantRole.MEMBER, ParticipantStatus.ACTIVE, thread.created_at)
    assert await threads.get(thread, people.agent) == thread


async def test_what_was_not_sent_has_its_default(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    assert (thread.status, thread.is_private, thread.guest_access_allowed) == (Status.DRAFT, False, True)
    assert (thread.max_participants, thread.settings, thread.ref) == (50, {}, None)


async def test_an_opened_thread_is_told_with_each_who_takes_part(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client), sent(people.guest)])
    assert await threads.events(thread) == ["thread_opened", "participant_added", "participant_added", "participant_added"]
    rows = await threads.database.fetch("SELECT data::json AS data FROM threads.outbox WHERE subject LIKE $1 ORDER BY id", f"%.{thread.id}")
    opened = TypeAdapter(dict[str, Any]).validate_json(rows[0]["data"])
    assert set(opened) == {"entityId", "version", "thread"}
    assert ThreadFacts.model_validate(opened["thread"]).title == thread.title
    assert "participants" not in opened["thread"]


@pytest.mark.parametrize(
    ("who", "kind"),
    [("client", "booking"), ("owner", "support"), ("guest", "group"), ("guest", "support"), ("guest", "booking")],
)
async def test_a_role_opens_no_kind_that_is_not_granted(threads: Service, people: People, who: str, kind: str) -> None:
    with pytest.raises(PermissionIsMissing):
        await threads.open(getattr(people, who), kind=kind, **({"bookingId": "B-1"} if kind == "booking" else {}))


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "booking"}, "body"),
        ({"kind": "group", "bookingId": "B-1"}, "body"),
        ({"title": ""}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"ref": "x" * 33}, "ref"),
        ({"kind": "picnic"}, "kind"),
        ({"kind": "direct"}, "body"),
        ({"kind": "direct", "participants": [{"role": "client", "name": "Ann"}]}, "body"),
        ({"colour": "blue"}, "colour"),
        ({"maxParticipants": 100_001}, "maxParticipants"),
        ({"participants": [{"name": "Ann"}]}, "participants.0.role"),
        ({"participants": [{"role": "client"}]}, "participants.0"),
        ({"maxParticipants": 1, "participants": [{"role": "client", "name": "Ann"}]}, "participants"),
    ],
)
async def test_a_field_that_is_wrong_is_named(threads: Service, people: People, said: dict[str, Any], field: str) -> None:
    assert threads.gateway.client is not None
    body = to_json({"kind": "group", "title": "Trip", **said})
    headers = {PRINCIPAL_HEADER: people.agent.model_dump_json()}
    answer = await threads.gateway.client.request(OPEN_THREAD.subject, body, timeout=5, headers=headers)
    refusal = RefusalView.model_validate_json(answer.data)
    assert (refusal.code, [error.field for error in refusal.errors]) == ("request_is_invalid", [field])


async def test_a_booking_has_one_thread(threads: Service, people: People) -> None:
    first = await threads.open(people.agent, kind="booking", bookingId="B-1")
    with pytest.raises(BookingHasAThread):
        await threads.open(people.admin, kind="booking", bookingId="B-1")
    await threads.archive(first, people.agent)
    with pytest.raises(BookingHasAThread):
        await threads.open(people.owner, kind="booking", bookingId="B-1")


async def test_of_those_who_open_a_booking_at_once_one_does(threads: Service, people: People) -> None:
    attempts = [threads.open(people.agent, kind="booking", bookingId="B-1", participants=[sent(people.client)]) for _ in range(20)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(outcome, Thread) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, BookingHasAThread) for outcome in outcomes) == 19


async def test_another_workspace_has_bookings_of_its_own(threads: Service, people: People) -> None:
    await threads.open(people.agent, kind="booking", bookingId="B-1")
    elsewhere = await threads.open(People(people.guest.user_id).agent, kind="booking", bookingId="B-1")
    assert elsewhere.booking_id == "B-1"


async def test_a_thousand_may_take_part_and_a_hundred_are_shown(threads: Service, people: People) -> None:
    many = [{"role": "client", "name": f"Client {number}"} for number in range(1_000)]
    thread = await threads.open(people.agent, participants=many, maxParticipants=1_001)
    assert thread.participant_count == 1_001
    assert [one.name for one in thread.participants] == ["Agent", *(f"Client {number}" for number in range(99))]
