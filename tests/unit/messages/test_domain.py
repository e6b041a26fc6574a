"""The rules of messages."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.messages.domain import FOLLOWS, MILLISECOND, Draft, Head, HiddenFrom, hidden_from, mentions, place
from services.messages.partitions import months
from shared.contracts.identity.directory import Member
from shared.contracts.messages.messages import Channel, DeliveryStatus, MessageType
from shared.contracts.principal import Role
from shared.contracts.roles import built_in_grants
from shared.identifiers import time_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def draft(channel: Channel, message_type: MessageType = MessageType.CHAT) -> Draft:
    robot_id = "r2" if message_type is MessageType.ROBOT else None
    return Draft(
        uuid4(), uuid4(), Role.AGENT, "Ada", channel, "text", None, {}, {}, None, {}, "", message_type=message_type, robot_id=robot_id
    )


KINDS = {
    HiddenFrom.NOBODY: (Channel.IN_APP, MessageType.CHAT),
    HiddenFrom.THOSE_WITHOUT_NOTES: (Channel.NOTE, MessageType.CHAT),
    HiddenFrom.GUESTS: (Channel.IN_APP, MessageType.ROBOT),
}


@given(st.lists(st.tuples(st.sampled_from(HiddenFrom), st.timedeltas(timedelta(hours=-1), timedelta(hours=1))), max_size=50))
def test_places_have_no_gap_and_time_order_is_their_order_whatever_the_clock_does(posts: list[tuple[HiddenFrom, timedelta]]) -> None:
    head = Head(uuid4(), 0, 0, START)
    placed = []
    for kind, drift in posts:
        message, head = place(draft(*KINDS[kind]), head, START + drift)
        placed.append(message)
    ordinary = [message.seq for message in placed if hidden_from(message) is HiddenFrom.NOBODY]
    assert ordinary == list(range(1, len(ordinary) + 1))
    assert [(message.seq, message.sub_seq) for message in placed] == sorted((message.seq, message.sub_seq) for message in placed)
    assert all(later.created_at >= earlier.created_at + MILLISECOND for earlier, later in pairwise(placed))
    assert all(time_of(message.id) == message.created_at for message in placed)
    assert [hidden_from(message) for message in placed] == [kind for kind, _ in posts]


def test_nothing_follows_what_is_delivered_and_everything_else_may_end_there_but_what_failed() -> None:
    assert FOLLOWS[DeliveryStatus.DELIVERED] == set()
    assert {status for status, following in FOLLOWS.items() if DeliveryStatus.DELIVERED in following} == {
        DeliveryStatus.STREAMING,
        DeliveryStatus.BATCH_DELAY,
    }
    assert set(FOLLOWS) == set(DeliveryStatus)


def test_those_are_mentioned_to_whose_role_a_message_is_not_hidden() -> None:
    named = [Member(id=uuid4(), username=role.value, name=role.value, role=role, grants=built_in_grants(role)) for role in Role]
    by_kind = {kind: {named[place].role for place in range(len(named)) if named[place].id in mentions(named, kind)} for kind in HiddenFrom}
    assert by_kind[HiddenFrom.NOBODY] == set(Role)
    assert by_kind[HiddenFrom.GUESTS] == set(Role) - {Role.GUEST}
    assert by_kind[HiddenFrom.THOSE_WITHOUT_NOTES] == {Role.ADMIN, Role.AGENT}


def test_partitions_are_made_for_this_month_and_three_more() -> None:
    assert months(date(2026, 11, 21)) == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]
