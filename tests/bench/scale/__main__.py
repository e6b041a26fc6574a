"""`python -m tests.bench.scale`: fill two databases, ask both the same, and hold the larger to its floors."""

import asyncio
import os
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.application import CannotStart
from shared.embedded import Postgres
from tests.bench.load import Generator, Plan
from tests.bench.scale import report
from tests.bench.scale.asking import WrongAnswer, asked_of
from tests.bench.scale.comparing import Comparison, Options, Standing
from tests.bench.scale.floors import checks
from tests.bench.scale.idle import CONNECTIONS
from tests.bench.scale.plans import Log, Planned, explain_services, plans_in
from tests.bench.scale.report import Plans
from tests.bench.scale.sides import Side, filled_side
from tests.bench.scale.sizes import Size, refuse_without_room
from tests.processes import HOST

_LARGE, _SMALL, _LEAST = 10_000_000, 100_000, 100_000
_WIDTH = 180  # of the table where there is no terminal
_FILES = 4 * CONNECTIONS
_SETTLING = 20  # times that a request is sent before its plans are read: they are then those of a warm connection


@dataclass
class Run:
    """One run, and how long its parts took."""

    options: Options
    say: Callable[[str], None]
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])
    seconds: dict[str, float] = field(default_factory=dict)
    plans: list[Plans] = field(default_factory=list)

    async def measured(self, small: Size, big: Size) -> Comparison:
        task = asyncio.current_task()
        assert task is not None, "it runs in a loop"
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # what was started is stopped
        async with AsyncExitStack() as stack:
            generator = await stack.enter_async_context(Generator())
            smaller, larger = [await stack.enter_async_context(self._filled(size)) for size in (small, big)]
            began = time.monotonic()
            async with _standing(smaller) as one, _standing(larger) as other:
                comparison = Comparison(self.options, generator, one, other, self.say)
                await comparison.run()
            self.seconds["measuring"] = time.monotonic() - began
            self.say("plans are read")
            found = [await _plans(standing, generator) for standing in (one, other)]
            self.plans = [Plans(scenario, found[0][scenario], found[1][scenario]) for scenario in found[1]]
            return comparison

    @asynccontextmanager
    async def _filled(self, size: Size) -> AsyncIterator[Side]:
        self.say(f"{size.name} are filled in")
        began = time.monotonic()
        async with filled_side(size) as side:
            self.seconds[size.name] = time.monotonic() - began
            self.say(f"{size.name} took {self.seconds[size.name]:.0f} s")
            yield side


@asynccontextmanager
async def _standing(side: Side) -> AsyncIterator[Standing]:
    async with side.running() as house:
        database = await side.connect()
        try:
            yield Standing(side, house, database, await asked_of(side, house.url, database))
        finally:
            await database.close()


async def _plans(standing: Standing, generator: Generator) -> dict[str, list[Planned]]:
    """By what is asked; of an Atrium that starts anew over the side's servers."""
    side = standing.side
    assert isinstance(side.servers.postgres, Postgres), "its log is a file here"
    database = await side.connect()
    await explain_services(database)
    await database.close()
    log = Log(side.servers.postgres.log)
    found = {}
    async with side.running() as house:
        for asked in standing.asked:
            plan = Plan(HOST, house.port, asked.requests(side)[:1], 1, 0, asked.status, warmup=0)
            for turn in range(_SETTLING):
                log.skip()
                await generator.run(replace(plan, keys=f"p{turn:02}-" if asked.posts else ""))
            found[asked.name] = plans_in(log.news())
    return found


def bench(
    messages: Annotated[int, typer.Option(min=_LEAST, help="Messages of the larger database.")] = _LARGE,
    beside: Annotated[int, typer.Option(min=_LEAST, help="Messages of the smaller one.")] = _SMALL,
    seconds: Annotated[float, typer.Option(min=0.5, help="Length of each run.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each, in turn with the other database's, for a median.")] = 3,
    output: Annotated[Path, typer.Option(help="Where the figures and the plans go, as JSON.")] = Path("build/bench-scale.json"),
) -> None:
    """Compare a database of many messages with one of few. Ends with 1 when a floor is missed.

    Example: python -m tests.bench.scale --messages 1000000 --seconds 1
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    small, big = Size(beside), Size(messages)
    run = Run(Options(seconds, rounds), console.print)
    try:
        refuse_without_room([small, big], shutil.disk_usage(tempfile.gettempdir()).free)
        _allow_files()
        comparison = asyncio.run(run.measured(small, big))
    except (CannotStart, WrongAnswer) as reason:
        console.print(f"[red]{reason}[/red]", soft_wrap=True)
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped; nothing was measured to its end")
        raise typer.Exit(130) from None
    held = list(checks(comparison))
    report.write(output, comparison, held, run.plans, load_before=run.load_before, seconds=run.seconds)
    for line in report.brief(run.plans):
        console.print(line, soft_wrap=True)
    console.print(report.as_table(comparison, held, run.load_before))
    both = (comparison.small, comparison.big)
    acknowledged, found = sum(one.acknowledged for one in both), sum(one.found for one in both)
    console.print(f"{acknowledged:,} posts were acknowledged, {found:,} are in the databases: {acknowledged - found} lost.")
    console.print(f"All figures and plans: {output}")
    if not all(check.met for check in held):
        raise typer.Exit(1)


def _allow_files() -> None:
    """Raises `CannotStart` where this process and the gateway may not have so many connections open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES:
        if hard < _FILES:
            raise CannotStart(f"{_FILES} open files are needed and {hard} are allowed: raise the limit (ulimit -Hn).")
        resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, hard))


if __name__ == "__main__":
    typer.run(bench)
