"""The table for people and the file for machines."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from tests.bench.floors import Check
from tests.bench.measures import Measured
from tests.bench.report import judged, machine, verdict
from tests.bench.scale.comparing import Compared, Comparison
from tests.bench.scale.plans import Planned


@dataclass(frozen=True)
class Plans:
    """Of one kind of request, in both databases."""

    scenario: str
    small: list[Planned]
    big: list[Planned]


def as_table(comparison: Comparison, held: list[Check], load_before: float) -> Table:
    table = Table(title=f"Atrium on {os.cpu_count()} cores, load generator included; load average before {load_before:.1f}")
    table.add_column("measured", no_wrap=True)
    for column in ("at once", comparison.small.side.size.name, comparison.big.side.size.name, "times"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("CPU µs a request, of the larger", min_width=40)
    for compared in comparison.compared:
        table.add_row(*_compared(compared))
    table.add_section()
    for target in comparison.targets:
        table.add_row(
            f"{target.scenario}, 1,000 connections", str(target.in_flight), "", _times(target), f"{target.per_second:,.0f}/s", _cpu(target)
        )
    table.add_section()
    for check in held:
        table.add_row(*verdict(check))
    return table


def brief(plans: Sequence[Plans]) -> Iterator[str]:
    """A line for each statement of the larger, and how many pages the smaller read for the same."""
    for one in plans:
        yield f"[bold]{one.scenario}[/bold]: {_pages(one.big)} pages in {len(one.big)} statements; the smaller: {_pages(one.small)}"
        for planned in one.big:
            yield f"  {planned.brief}".replace("[", "\\[")


def write(
    path: Path,
    comparison: Comparison,
    held: list[Check],
    plans: Sequence[Plans],
    *,
    load_before: float,
    seconds: Mapping[str, float],
) -> None:
    """All figures, with what they were measured on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sides = (comparison.small, comparison.big)
    said = {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "loadBefore": load_before,
        "secondsTaken": dict(seconds),
        "options": asdict(comparison.options),
        "messages": [one.side.size.messages for one in sides],
        "compared": [asdict(compared) for compared in comparison.compared],
        "targets": [asdict(target) for target in comparison.targets],
        "connections": comparison.connections,
        "acknowledged": [one.acknowledged for one in sides],
        "found": [one.found for one in sides],
        **judged(held),
        "plans": [asdict(one) for one in plans],
    }
    path.write_text(json.dumps(said, indent=1) + "\n")


def _compared(compared: Compared) -> Iterator[str]:
    yield compared.scenario
    yield str(compared.at_once)
    yield _times(compared.small)
    yield _times(compared.big)
    yield f"{compared.ratio:.2f}"
    yield _cpu(compared.big)


def _times(measured: Measured) -> str:
    return f"{measured.p50_ms:.2f}, {measured.p95_ms:.2f} ms"


def _cpu(measured: Measured) -> str:
    parts = [f"{name} {spent:.0f}" for name, spent in measured.cpu_us.items()]
    return ", ".join([*parts, *(f"[red]{count} × {answer}[/red]" for answer, count in measured.unexpected.items())])


def _pages(plans: Sequence[Planned]) -> int:
    return sum(planned.buffers for planned in plans)
