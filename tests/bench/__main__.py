"""`python -m tests.bench`: start a whole Atrium, load it, and hold what it reaches to its floors."""

import asyncio
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from rich.console import Console

from shared.application import CannotStart
from tests.bench import report
from tests.bench.ceiling import ceiling
from tests.bench.floors import checks
from tests.bench.house import LAYOUTS, USUAL, as_shipped, running_house
from tests.bench.load import Generator
from tests.bench.measures import Results
from tests.bench.people import People
from tests.bench.pgbench import Pgbench
from tests.bench.scenarios import Options, Scenarios
from tests.servers import SMALL, Servers, running_servers

_FULL, _QUICK = Options(10, 3, grown=1_000_000, links=1_000_000, sockets=5_000), Options(2, 1, 100_000, 30_000, 500)
_WIDTH = 160  # of the table where there is no terminal


class Part(StrEnum):
    """What can be measured alone."""

    POSTS = "posts"
    PAGES = "pages"
    RELAY = "relay"
    LAYOUTS = "layouts"
    FILES = "files"
    PROJECTS = "projects"
    GRAPH = "graph"
    REALTIME = "realtime"


def bench(
    only: Annotated[list[Part] | None, typer.Option(help="Measure this alone; can be given more than once.")] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help=f"Length of each run; {_FULL.seconds:g}.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help=f"Runs of posts and of pgbench, in turn, for a median; {_FULL.rounds}.")] = None,
    grown: Annotated[int | None, typer.Option(min=0, help=f"Messages of the grown database, 0 for none; {_FULL.grown:,}.")] = None,
    links: Annotated[int | None, typer.Option(min=1_000, help=f"Links of the graph, three artifacts for ten; {_FULL.links:,}.")] = None,
    sockets: Annotated[int | None, typer.Option(min=100, help=f"Idle sockets, where so many files may be open; {_FULL.sockets:,}.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few seconds each, for trying: its figures prove nothing.")] = False,
    output: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")] = Path("build/bench.json"),
) -> None:
    """Measure Atrium beside its database. Ends with 1 when a floor is missed.

    Example: python -m tests.bench --only posts --seconds 5
    """
    usual = _QUICK if quick else _FULL
    options = Options(
        *(seconds or usual.seconds, rounds or usual.rounds, usual.grown if grown is None else grown),
        *(links or usual.links, sockets or usual.sockets),
    )
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    try:
        results = asyncio.run(_measured(options, set(only or Part), console))
    except CannotStart as reason:
        console.print(f"[red]{reason}[/red]", soft_wrap=True)
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped; nothing was measured to its end")
        raise typer.Exit(130) from None
    held = checks(results)
    report.write(output, options, results, held)
    console.print(report.as_table(results, held))
    console.print(f"{results.acknowledged:,} posts were acknowledged, {results.found:,} are in the database: {results.lost} lost.")
    console.print(f"All figures: {output}")
    if not all(check.met for check in held):
        raise typer.Exit(1)


async def _measured(options: Options, parts: set[Part], console: Console) -> Results:
    task = asyncio.current_task()
    assert task is not None, "it runs in a loop"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # what was started is stopped
    console.print("servers start")
    async with running_servers(SMALL) as servers, Generator() as generator:
        await as_shipped(servers)
        database = await asyncpg.connect(servers.postgres_url, command_timeout=600)
        pgbench = Pgbench(servers.postgres_url, servers.data)
        scenarios = Scenarios(options, generator, database, People(), pgbench, console.print)
        console.print("the load generator alone")
        scenarios.results.ceiling = await ceiling(generator)
        await _measure(scenarios, servers, options, parts)
        await scenarios.read_back()
        await database.close()
        return scenarios.results


async def _measure(scenarios: Scenarios, servers: Servers, options: Options, parts: set[Part]) -> None:
    measures = {Part.POSTS: scenarios.posts, Part.PAGES: scenarios.pages, Part.RELAY: scenarios.relay}
    wanted = [measures[part] for part in measures if part in parts]
    if wanted:
        async with running_house(servers, USUAL) as house:
            await scenarios.settle(house)
            for state in ("fresh", "grown") if options.grown else ("fresh",):
                if state == "grown":
                    await scenarios.grow()
                for measure in wanted:
                    await scenarios.settle(house)
                    await measure(house, state)
    if Part.FILES in parts:
        scenarios.results.files = await scenarios.files_bench(servers).measured()
    if Part.PROJECTS in parts:
        async with running_house(servers, USUAL) as house:
            await scenarios.settle(house)
            await scenarios.projects(house)
    if Part.GRAPH in parts:
        scenarios.results.graph = await scenarios.graph_bench(servers).measured()
    if Part.REALTIME in parts:
        scenarios.results.realtime = await scenarios.realtime_bench(servers).measured()
    if Part.LAYOUTS in parts:
        for layout in LAYOUTS:
            async with running_house(servers, layout) as house:
                await scenarios.settle(house)
                await scenarios.layout(house)


if __name__ == "__main__":
    typer.run(bench)
