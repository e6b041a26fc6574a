"""How runs are summed up, and held to floors."""

from array import array
from uuid import UUID

from tests.bench.files.forms import form, upload
from tests.bench.files.measures import Compared, FilesMeasured, Grown
from tests.bench.floors import CLEAN_P95, LOST, MEMORY, OF_PGBENCH, POLLS, POST_P99, POSTS, REFUSED, UPLOADS, checks
from tests.bench.load import Load
from tests.bench.measures import Polled, Results, Sample, percentile, summed_up


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


def test_polls_of_nothing_new_are_held_to_the_pages_beside_them() -> None:
    pages, polls = summed_up("newest page", [sample(0.1, 0.1)]), summed_up("polls", [sample(0.1, unexpected={"200": 1})])
    results = Results(polls=[Polled(polls, pages)])
    held = {check.floor: check for check in checks(results)}
    assert (held[POLLS].value, held[POLLS].met, held[REFUSED].value) == (0.5, False, 1)


def test_files_are_compared_with_the_same_bytes_without_atrium_round_by_round() -> None:
    files = FilesMeasured(
        compared=[
            Compared("scans, 5 MB", 8, "files/s", ours=[8.0, 10.0, 9.0], bare=[10.0, 11.0, 10.0]),
            Compared("uploads, 5 MB", 20, "MiB/s", ours=[49.0], bare=[100.0]),
        ],
        grown=[Grown("gateway", 100.0, 163.0), Grown("services", 100.0, 165.0)],
        clean_ms=[100.0] * 95 + [900.0] * 5,
        unexpected={"503": 1},
    )
    held = {(check.scenario, check.floor): check for check in checks(Results(files=files))}
    assert files.compared[0].ratio == 0.9
    missed = {(scenario, floor) for (scenario, floor), check in held.items() if not check.met}
    assert missed == {("uploads, 5 MB", UPLOADS), ("20 × 50 MB, services", MEMORY), ("all", REFUSED)}
    assert held["201 to clean, 1 MB", CLEAN_P95].value == 100


def test_a_form_says_how_long_it_is() -> None:
    head, _, body = upload(UUID(int=1), "token", b"x" * 600_000, 3).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert body == form(b"x" * 600_000, 3)


def test_a_slow_run_misses_its_floors_and_a_lost_message_is_a_miss() -> None:
    results = Results(posts=[summed_up("posts, fresh", [sample(0.1, 0.1)], pgbench=[20])], acknowledged=2, found=1)
    assert {check.floor for check in checks(results) if not check.met} == {POSTS, OF_PGBENCH, POST_P99, LOST}
