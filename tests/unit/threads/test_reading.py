"""A thread as its readers see it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.threads.domain.access import Part
from services.threads.domain.reading import shown
from shared.contracts.messages.unread import Unread
from shared.contracts.threads.access import State
from shared.contracts.threads.participants import ParticipantRole, ParticipantStatus
from shared.contracts.threads.threads import Kind, LastMessage, ListThreads, Status, Thread
from shared.identifiers import new_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LAST = LastMessage(id=new_id(), seq=7, author_name="Ann", preview="Hello", created_at=NOW)
THREAD = Thread(
    id=new_id(),
    kind=Kind.GROUP,
    booking_id=None,
    ref=None,
    title="Trip",
    client_name=None,
    status=Status.DRAFT,
    state=State.ACTIVE,
    archived=False,
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
    created_at=NOW,
    updated_at=NOW,
    participants=[],
    participant_count=0,
    last_message=LAST,
    last_seq=7,
    unread_count=None,
    mention_count=None,
)


def part(*, joined: timedelta, can_see_history: bool) -> Part:
    return Part(ParticipantRole.MEMBER, ParticipantStatus.ACTIVE, can_see_history=can_see_history, joined_at=NOW + joined)


@pytest.mark.parametrize(
    ("reader", "last"),
    [
        (None, LAST),
        (part(joined=timedelta(hours=1), can_see_history=True), LAST),
        (part(joined=-timedelta(hours=1), can_see_history=False), LAST),
        (part(joined=timedelta(hours=1), can_see_history=False), None),
    ],
)
def test_a_last_message_that_is_older_than_its_reader_may_see_is_not_shown(reader: Part | None, last: LastMessage | None) -> None:
    assert shown(THREAD, reader, None).last_message == last


def test_counts_are_shown_where_they_are_known() -> None:
    unread = Unread(thread_id=THREAD.id, unread_count=3, capped=False, mention_count=1, last_read_message_id=None)
    thread = shown(THREAD, None, unread)
    assert (thread.unread_count, thread.mention_count) == (3, 1)
    thread = shown(THREAD, None, None)
    assert (thread.unread_count, thread.mention_count) == (None, None)


@pytest.mark.parametrize(
    ("asked", "states"),
    [
        ({}, [State.ACTIVE, State.CLOSED]),
        ({"archived": False}, [State.ACTIVE, State.CLOSED]),
        ({"archived": True}, [State.ARCHIVED]),
        ({"state": "closed"}, [State.CLOSED]),
        ({"state": "archived", "archived": True}, [State.ARCHIVED]),
    ],
)
def test_which_states_a_list_has(asked: dict[str, Any], states: list[State]) -> None:
    assert ListThreads.model_validate(asked).states == states


@pytest.mark.parametrize(
    "asked", [{"state": "archived", "archived": False}, {"state": "active", "archived": True}, {"unread": True, "offset": 1}, {"q": ""}]
)
def test_what_a_list_cannot_be_asked(asked: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ListThreads.model_validate(asked)
