"""What `make bench-scale` reckons with: where messages go, how two databases are compared, what is read from plans."""

from array import array
from collections import Counter
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from shared.application import CannotStart
from tests.bench.load import Load
from tests.bench.scale.comparing import ratio
from tests.bench.scale.plans import plans_in
from tests.bench.scale.sizes import LONG, MONTHS, THREADS, Size, Timeline, place, refuse_without_room
from tests.bench.scale.statements import Like

LATE = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)


def test_every_message_has_its_own_place_and_threads_have_no_gap() -> None:
    messages = 5 * THREADS + 7
    seqs: dict[int, list[int]] = {}
    for number in range(messages):
        thread, seq = place(number)
        seqs.setdefault(thread, []).append(seq)
    assert all(found == list(range(1, len(found) + 1)) for found in seqs.values())
    assert len(seqs) == THREADS
    assert len(seqs[LONG]) == Size(messages).long


def test_threads_but_the_long_one_have_as_many_messages_as_each_other() -> None:
    counts = Counter(place(number)[0] for number in range(200_000))
    assert counts.pop(LONG) == 20_000
    assert set(counts.values()) == {18, 19}


@pytest.mark.parametrize("messages", [100_000, 1_000_003])
def test_every_message_is_in_the_month_of_its_time(messages: int) -> None:
    timeline = Timeline.until(LATE, messages)
    months = list(timeline.months())
    assert (len(months), months[0].begin, months[-1].begin) == (MONTHS, date(2024, 12, 1), date(2026, 11, 1))
    assert (months[0].first, months[-1].last) == (0, messages - 1)
    assert all(month.last + 1 == after.first for month, after in pairwise(months))
    for month in months:
        for number in (month.first, month.last):
            at = timeline.begin + timeline.step * number
            assert (at.year, at.month) == (month.begin.year, month.begin.month)
    assert timeline.begin + timeline.step * messages <= LATE


def test_too_little_room_is_refused_in_a_line() -> None:
    with pytest.raises(CannotStart, match=r"^1\d GB of disk are needed and 5 are free: take fewer --messages\.$"):
        refuse_without_room([Size(10_000_000), Size(100_000)], free=5 << 30)
    refuse_without_room([Size(100_000)], free=5 << 30)


def load(*latencies: float) -> Load:
    return Load(1, 1.0, len(latencies), array("d", latencies), {}, cpu_seconds=0)


def test_rounds_are_compared_each_with_its_neighbour_and_the_median_of_them_counts() -> None:
    small = [load(1, 1, 9), load(4, 4), load(2)]
    big = [load(1.1, 1.1, 1), load(4, 4), load(9)]
    assert ratio(small, big) == pytest.approx(1.1)


def test_rows_are_like_the_product_s_but_for_what_is_made() -> None:
    rows = Like("threads.threads", "staged AS made", {"id": "made.id"}, own="one")
    assert rows.select(["id", "title"]) == (
        "SELECT made.id, template.title FROM (SELECT * FROM one LIMIT 1) AS template CROSS JOIN staged AS made"
    )


def test_a_column_that_the_product_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"threads\.threads has no column id$"):
        Like("threads.threads", "staged", {"id": "made.id"}).select(["title"])


LOG = """2026-11-21 16:00:00.000 UTC [7] LOG:  duration: 0.500 ms  plan:
\t{
\t  "Query Text": "SELECT *\\n  FROM messages",
\t  "Plan": {
\t    "Node Type": "Append", "Actual Rows": 51.0, "Actual Loops": 1, "Shared Hit Blocks": 9, "Shared Read Blocks": 2,
\t    "Plans": [
\t      {"Node Type": "Index Scan", "Index Name": "messages_2026_11_newest", "Actual Rows": 40.0, "Actual Loops": 1},
\t      {"Node Type": "Index Scan", "Index Name": "messages_2026_10_newest", "Actual Rows": 11.0, "Actual Loops": 1},
\t      {"Node Type": "Index Scan", "Index Name": "messages_2026_09_newest", "Actual Rows": 0.0, "Actual Loops": 0}
\t    ]
\t  }
\t}
2026-11-21 16:00:00.001 UTC [7] LOG:  duration: 0.010 ms  plan:
\t{
\t  "Query Text": "SELECT set_config('app.workspace', '', false)",
\t  "Plan": {"Node Type": "Result", "Actual Rows": 1.0, "Actual Loops": 1}
\t}
2026-11-21 16:00:00.002 UTC [7] LOG:  checkpoint starting: time
"""


def test_plans_are_read_from_the_log_and_those_that_read_nothing_left_out() -> None:
    (found,) = plans_in(LOG)
    assert (found.milliseconds, found.buffers) == (0.5, 11)
    assert found.brief == "SELECT * FROM messages: 0.50 ms, 11 pages (messages_newest, 51 rows of 2 scans)"
