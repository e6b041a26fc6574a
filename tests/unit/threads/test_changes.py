"""What a change makes of a thread, and what stands against it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from services.threads.domain.access import Rights
from services.threads.domain.changes import archival, changes
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import State, ThreadIsArchived, ThreadIsReadOnlyForYou, ThreadNotFound
from shared.contracts.threads.participants import DirectThreadIsFixed
from shared.contracts.threads.threads import ChangeThread, Kind, Status, ThreadFacts
from shared.identifiers import new_id

ALL = Rights(sees=True, posts=True, edits=True, archives=True)
EDITS = Rights(sees=True, posts=True, edits=True)
READS = Rights(sees=True)
HIDDEN = Rights(sees=False)


def thread(state: State = State.ACTIVE) -> ThreadFacts:
    now = datetime.now(UTC)
    return ThreadFacts(
        id=new_id(),
        kind=Kind.GROUP,
        booking_id=None,
        ref=None,
        title="Trip",
        client_name="Ann",
        status=Status.DRAFT,
        state=state,
        archived=state is State.ARCHIVED,
        description=None,
        issue_id=None,
        issue_description=None,
        is_private=False,
        guest_access_allowed=True,
        max_participants=50,
        creator_id=new_id(),
        parent_thread_id=None,
        escalation_level=1,
        settings={},
        created_at=now,
        updated_at=now,
    )


def request(**sent: Any) -> ChangeThread:
    return ChangeThread.model_validate({"threadId": new_id(), **sent})


@pytest.mark.parametrize(
    ("state", "sent", "changed"),
    [
        (State.ACTIVE, {}, {}),
        (State.ACTIVE, {"title": "Trip"}, {}),
        (State.ACTIVE, {"title": "Tour", "clientName": None}, {"title": "Tour", "client_name": None}),
        (State.ACTIVE, {"status": "Confirmed", "settings": {"a": 1}}, {"status": Status.CONFIRMED, "settings": {"a": 1}}),
        (State.ACTIVE, {"state": "closed"}, {"state": State.CLOSED}),
        (State.CLOSED, {"state": "active"}, {"state": State.ACTIVE}),
        (State.CLOSED, {"archived": False}, {}),
        (State.CLOSED, {"archived": True}, {"state": State.ARCHIVED}),
        (State.ACTIVE, {"state": "archived", "title": "Tour"}, {"title": "Tour", "state": State.ARCHIVED}),
        (State.ARCHIVED, {"archived": False}, {"state": State.ACTIVE}),
        (State.ARCHIVED, {"state": "active"}, {"state": State.ACTIVE}),
        (State.ARCHIVED, {"state": "active", "archived": False}, {"state": State.ACTIVE}),
    ],
)
def test_what_is_sent_and_differs_is_changed(state: State, sent: dict[str, Any], changed: dict[str, Any]) -> None:
    assert changes(thread(state), request(**sent), ALL) == changed


@pytest.mark.parametrize(
    ("state", "sent", "may", "refusal"),
    [
        (State.ACTIVE, {"title": "Tour"}, HIDDEN, ThreadNotFound),
        (State.ARCHIVED, {"title": "Tour"}, HIDDEN, ThreadNotFound),
        (State.ACTIVE, {"title": "Tour"}, READS, ThreadIsReadOnlyForYou),
        (State.ACTIVE, {}, READS, ThreadIsReadOnlyForYou),
        (State.ARCHIVED, {"title": "Tour"}, READS, ThreadIsReadOnlyForYou),
        (State.ACTIVE, {"archived": True}, EDITS, ThreadIsReadOnlyForYou),
        (State.ACTIVE, {"state": "archived", "title": "Tour"}, EDITS, ThreadIsReadOnlyForYou),
        (State.ARCHIVED, {"archived": False}, EDITS, ThreadIsReadOnlyForYou),
        (State.ARCHIVED, {"title": "Tour"}, ALL, ThreadIsArchived),
        (State.ARCHIVED, {"archived": False, "title": "Tour"}, ALL, ThreadIsArchived),
        (State.ARCHIVED, {"archived": True}, ALL, ThreadIsArchived),
        (State.ARCHIVED, {"state": "closed"}, ALL, ThreadIsArchived),
        (State.ARCHIVED, {"participants": []}, ALL, ThreadIsArchived),
    ],
)
def test_what_stands_against_a_change(state: State, sent: dict[str, Any], may: Rights, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        changes(thread(state), request(**sent), may)


@pytest.mark.parametrize("sent", [{"state": "closed"}, {"archived": True}, {"participants": []}, {"title": "Us", "state": "closed"}])
def test_a_direct_thread_is_for_its_two_and_stays_open(sent: dict[str, Any]) -> None:
    direct = thread().model_copy(update={"kind": Kind.DIRECT})
    with pytest.raises(DirectThreadIsFixed):
        changes(direct, request(**sent), ALL)
    with pytest.raises(DirectThreadIsFixed):
        archival(direct, ALL)
    assert changes(direct, request(title="Us"), EDITS) == {"title": "Us"}


def test_a_reason_alone_changes_nothing() -> None:
    assert changes(thread(), request(title="Tour", reason="asked to"), EDITS) == {"title": "Tour"}


@pytest.mark.parametrize(
    "sent",
    [
        {"title": None},
        {"title": " "},
        {"participants": None},
        {"status": "Lost"},
        {"state": "active", "archived": True},
        {"state": "archived", "archived": False},
        {"bookingId": "B-2"},
        {"kind": "group"},
        {"maxParticipants": 0},
        {"settings": {"a": "\0"}},
        {"settings": {"a": "x" * 20_000}},
        {"participants": [{"role": "client"}]},
    ],
)
def test_a_change_that_is_not_well_formed_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        request(**sent)


def test_archiving_again_changes_nothing() -> None:
    assert archival(thread(), ALL) == {"state": State.ARCHIVED}
    assert archival(thread(State.ARCHIVED), ALL) == {}


@pytest.mark.parametrize(("may", "refusal"), [(HIDDEN, ThreadNotFound), (EDITS, ThreadIsReadOnlyForYou)])
def test_archiving_is_refused_to_those_who_may_not(may: Rights, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        archival(thread(), may)
