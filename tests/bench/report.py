"""The table for people and the file for machines."""

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from rich.table import Table

from tests.bench.files.measures import FilesMeasured
from tests.bench.floors import Check
from tests.bench.graph.measures import GraphMeasured
from tests.bench.measures import Measured, Results, percentile
from tests.bench.realtime.measures import RealtimeMeasured
from tests.bench.scenarios import Options


def as_table(results: Results, held: list[Check]) -> Table:
    table = Table(title=f"Atrium on {os.cpu_count()} cores, load generator included; load average before {results.load_before:.1f}")
    table.add_column("measured", no_wrap=True)
    for column in ("at once", "/s", "p50, p95, p99 ms", "of pgbench"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("CPU seconds of a run (µs a request)", min_width=40)
    for part in (
        results.posts,
        [*results.pages, *(polled.polls for polled in results.polls)],
        results.layouts,
        [*results.boards, *results.moves],
        [results.ceiling] if results.ceiling else [],
    ):
        for measured in part:
            table.add_row(*_cells(measured))
        table.add_section()
    for relay in results.relay:
        detail = f"{relay.events:,} events; none waits {relay.emptied_seconds:.2f} s after the last post"
        table.add_row(
            relay.scenario,
            str(relay.posts.in_flight),
            f"{relay.posts.per_second:,.0f}",
            f"{relay.p50_ms:.0f}, -, {relay.p99_ms:.0f}",
            "",
            detail,
        )
    if results.files is not None:
        table.add_section()
        for row in _files(results.files):
            table.add_row(*row)
    if results.graph is not None:
        table.add_section()
        for row in _graph(results.graph):
            table.add_row(*row)
    if results.realtime is not None:
        table.add_section()
        for row in _realtime(results.realtime):
            table.add_row(*row)
    table.add_section()
    for check in held:
        table.add_row(*verdict(check))
    return table


def _cells(measured: Measured) -> Iterable[str]:
    yield measured.scenario
    yield str(measured.in_flight)
    yield f"{measured.per_second:,.0f}"
    yield f"{measured.p50_ms:.1f}, {measured.p95_ms:.1f}, {measured.p99_ms:.1f}"
    yield f"{measured.of_pgbench:.2f} of {measured.pgbench_per_second:,.0f}" if measured.of_pgbench else ""
    parts = [f"{name} {seconds:.1f} ({measured.cpu_us[name]:.0f})" for name, seconds in measured.cpu_seconds.items()]
    parts += [f"memory {measured.memory_mb:.0f} MB"] if measured.memory_mb else []
    parts += [f"[red]{count} × {answer}[/red]" for answer, count in measured.unexpected.items()]
    yield ", ".join(parts)


def _files(files: FilesMeasured) -> Iterable[Iterable[str]]:
    for compared in files.compared:
        ours, bare = median(compared.ours), median(compared.bare)
        detail = f"{compared.unit}; {bare:,.0f} without Atrium, {compared.ratio:.2f} of it"
        yield compared.scenario, str(compared.at_once), f"{ours:,.0f}", "", "", detail
    if files.clean_ms:
        ordered = sorted(files.clean_ms)
        shares = ", ".join(f"{percentile(ordered, share):.0f}" for share in (0.5, 0.95, 0.99))
        yield "201 to clean, 1 MB", "1", "", shares, "", f"{len(ordered)} files"
    for grown in files.grown:
        yield f"20 × 50 MB, {grown.process}", "20", "", "", "", f"memory {grown.before_mb:.0f} MB, at most {grown.most_mb:.0f} MB"


def _graph(graph: GraphMeasured) -> Iterable[Iterable[str]]:
    size = f"{graph.links:,} links between {graph.artifacts:,} artifacts"
    ratio = graph.rebuilt_per_second / graph.bare_per_second
    detail = f"{size}; {graph.bare_per_second:,.0f} by a bare script, {ratio:.2f} of it"
    yield "rebuild of the mirror", "", f"{graph.rebuilt_per_second:,.0f}", "", "", detail
    yield (
        "lag of the mirror",
        "",
        "500",
        f"{graph.lag_p50_ms:.0f}, -, {graph.lag_p99_ms:.0f}",
        "",
        "from a commit until Neo4j has it",
    )
    for one in graph.walked:
        name = f"related, depth {one.depth}, {one.engine}"
        yield name, "1", "", f"{one.p50_ms:.1f}, {one.p95_ms:.1f}, -", "", f"{one.things:,} things"
    yield "backlog", "", f"{graph.backlog_per_second:,.0f}", "", "", f"{graph.backlog:,} events, until the graph has learned of them"
    yield "reconciliation", "", "", "", "", f"{graph.reconciled_seconds:.1f} s, {graph.differences} differences"


def _realtime(realtime: RealtimeMeasured) -> Iterable[Iterable[str]]:
    yield (
        "one post to all",
        "1",
        "",
        _shares(realtime.told_ms),
        "",
        f"{len(realtime.told_ms)} posts; acknowledged {_shares(realtime.answered_ms)}",
    )
    if (fanned := realtime.fanned) is not None:
        used = ", ".join(f"{name} {seconds:.1f}" for name, seconds in realtime.cpu_seconds.items())
        name = f"burst, {fanned.posts} to {fanned.sockets:,}"
        detail = f"{fanned.frame_bytes:,.0f} bytes each; {median(fanned.bare):,.0f} without Atrium, {fanned.ratio:.2f} of it; {used}"
        yield name, "64", f"{fanned.per_second:,.0f}", "", "", detail
    for back in realtime.resumed:
        name = f"{back.clients:,} come back, {back.behind} events behind"
        yield name, "", "", _shares(back.live_ms), "", f"{back.seconds:.1f} s; times of {len(back.live_ms)} posts to others"
    if (idle := realtime.idle) is not None:
        detail = f"{idle.kilobytes:.1f} KB each; {idle.core:.1%} of a core over {idle.seconds:.0f} s"
        yield f"{idle.sockets:,} idle sockets", "", "", "", "", detail
    if realtime.unexpected:
        yield "realtime", "", "", "", "", ", ".join(f"[red]{count} × {what}[/red]" for what, count in realtime.unexpected.items())


def _shares(ordered: Sequence[float]) -> str:
    return ", ".join(f"{percentile(ordered, share):.1f}" for share in (0.5, 0.95, 0.99))


def verdict(check: Check) -> Iterable[str]:
    """A row of the table."""
    floor = check.floor
    yield f"{check.scenario}: {floor.name}"
    yield "[green]met[/green]" if check.met else "[bold red]MISSED[/bold red]"
    yield f"{check.value:,.0f}" if check.value >= 100 else f"{check.value:.3g}"
    yield f"{'≥' if floor.at_least else '≤'} {floor.limit:,g} {floor.unit}".rstrip()
    yield f"aim {floor.aim:,g}" if floor.aim else ""
    yield f"[dim]{floor.source}[/dim]"


def machine() -> dict[str, object]:
    return {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def write(path: Path, options: Options, results: Results, held: list[Check]) -> None:
    """All figures, with what they were measured on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "options": asdict(options),
        "results": {**asdict(results), "lost": results.lost},
        **judged(held),
    }
    path.write_text(json.dumps(said, indent=2) + "\n")


def judged(held: list[Check]) -> dict[str, object]:
    """The floors, and whether all are met."""
    return {"checks": [{**asdict(check), "met": check.met} for check in held], "passed": all(check.met for check in held)}
