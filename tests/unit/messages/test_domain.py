"""The rules of messages."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.messages.domain import MILLISECOND, Draft, Head, place
from services.messages.partitions import months
from shared.contracts.messages.messages import Channel
from shared.contracts.principal import Role
from shared.identifiers import time_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def draft(channel: Channel) -> Draft:
    return Draft(uuid4(), uuid4(), Role.AGENT, "Ada", channel, "text", None, {}, {}, None, {}, "")


@given(
    st.lists(
        st.tuples(st.sampled_from([Channel.IN_APP, Channel.NOTE]), st.timedeltas(timedelta(hours=-1), timedelta(hours=1))), max_size=50
    )
)
def test_places_have_no_gap_and_time_order_is_their_order_whatever_the_clock_does(posts: list[tuple[Channel, timedelta]]) -> None:
    head = Head(uuid4(), 0, 0, START)
    placed = []
    for channel, drift in posts:
        message, head = place(draft(channel), head, START + drift)
        placed.append(message)
    ordinary = [message.seq for message in placed if message.channel is Channel.IN_APP]
    assert ordinary == list(range(1, len(ordinary) + 1))
    assert [(message.seq, message.sub_seq) for message in placed] == sorted((message.seq, message.sub_seq) for message in placed)
    assert all(later.created_at >= earlier.created_at + MILLISECOND for earlier, later in pairwise(placed))
    assert all(time_of(message.id) == message.created_at for message in placed)
    assert all((message.sub_seq == 0) == (message.channel is not Channel.NOTE) for message in placed)


def test_partitions_are_made_for_this_month_and_three_more() -> None:
    assert months(date(2026, 11, 21)) == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]
