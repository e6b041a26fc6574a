"""How runs are summed up, and held to floors."""

from array import array

from tests.bench.floors import LOST, OF_PGBENCH, POST_P99, POSTS, checks
from tests.bench.load import Load
from tests.bench.measures import Results, Sample, percentile, summed_up


def sample(*latencies: float, seconds: float = 1.0, unexpected: dict[str, int] | None = None) -> Sample:
    load = Load(64, seconds, len(latencies), array("d", latencies), unexpected or {}, cpu_seconds=0.5)
    return Sample(load, {"gateway": 2.0, "load": 0.5})


def test_a_percentile_is_the_value_that_so_many_do_not_exceed() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.99) == 0


def test_a_figure_is_the_median_of_the_rounds() -> None:
    measured = summed_up("posts", [sample(0.1), sample(0.3, 0.3, 0.3), sample(0.2, 0.2)], pgbench=[10, 30, 20])
    assert (measured.per_second, measured.pgbench_per_second, measured.of_pgbench) == (2, 20, 0.1)
    assert measured.p50_ms == measured.p99_ms == 200


def test_cpu_is_told_for_a_run_and_for_a_request() -> None:
    measured = summed_up("posts", [sample(0.1, 0.1)])
    assert measured.cpu_seconds == {"gateway": 2.0, "load": 0.5}
    assert measured.cpu_us == {"gateway": 1_000_000, "load": 250_000}


def test_unexpected_answers_of_all_rounds_count() -> None:
    measured = summed_up("posts", [sample(0.1, unexpected={"503": 2}), sample(0.1, unexpected={"503": 1, "500": 1})])
    assert measured.unexpected == {"503": 3, "500": 1}


def test_a_limit_that_is_just_reached_is_met() -> None:
    assert POSTS.is_met(3_000)
    assert not POSTS.is_met(2_999.9)
    assert POST_P99.is_met(60)
    assert not POST_P99.is_met(60.1)


def test_a_slow_run_misses_its_floors_and_a_lost_message_is_a_miss() -> None:
    results = Results(posts=[summed_up("posts, fresh", [sample(0.1, 0.1)], pgbench=[20])], acknowledged=2, found=1)
    assert {check.floor for check in checks(results) if not check.met} == {POSTS, OF_PGBENCH, POST_P99, LOST}
