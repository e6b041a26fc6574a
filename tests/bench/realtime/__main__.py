"""`python -m tests.bench.realtime`: let an ordinary day pass, and see that nothing becomes slow, fails or grows."""

import asyncio
import json
import os
import signal
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Annotated

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from shared.application import CannotStart
from shared.database.history import SYSTEM_ACTOR
from tests.bench.house import USUAL, as_shipped, running_house
from tests.bench.measures import percentile
from tests.bench.people import People
from tests.bench.realtime.crowd import Crowd
from tests.bench.realtime.followers import Followers
from tests.bench.realtime.soak import Soak, Soaked
from tests.bench.report import judged, machine, verdict
from tests.servers import SMALL, running_servers

_WIDTH = 160  # of the table where there is no terminal


def soak(
    minutes: Annotated[float, typer.Option(min=1, help="How long, after a minute of warming up.")] = 30,
    sockets: Annotated[int, typer.Option(min=1, max=5_000, help="Clients that follow the thread.")] = 200,
    rate: Annotated[float, typer.Option(min=1, help="Posts a second.")] = 50,
    output: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")] = Path("build/soak.json"),
) -> None:
    """Post at a steady pace to many who follow. Ends with 1 when a floor is missed.

    Example: python -m tests.bench.realtime --minutes 3
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    load_before, results = os.getloadavg()[0], Soaked(sockets, rate)
    try:
        asyncio.run(_soaked(results, minutes * 60, console))
    except CannotStart as reason:
        console.print(f"[red]{reason}[/red]", soft_wrap=True)
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped; nothing was measured to its end")
        raise typer.Exit(130) from None
    held = results.checks()
    output.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "measuredAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "loadBefore": load_before,
        "results": {**asdict(results), "told": _shares(results)},
        **judged(held),
    }
    output.write_text(json.dumps(said, indent=2) + "\n")
    table = Table(
        *("measured", "", "", "floor", "aim", "source"), title=f"{len(results.told):,} posts; load average before {load_before:.1f}"
    )
    for check in held:
        table.add_row(*verdict(check))
    console.print(table)
    console.print(f"ms to the last of {sockets} sockets: {_shares(results)}; unexpected: {results.unexpected or 'nothing'}")
    console.print(f"MB at the beginning and at the end: {results.megabytes[0]:.0f}, {results.megabytes[-1]:.0f}. All figures: {output}")
    if not all(check.met for check in held):
        raise typer.Exit(1)


async def _soaked(results: Soaked, seconds: float, console: Console) -> None:
    task = asyncio.current_task()
    assert task is not None, "it runs in a loop"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # what was started is stopped
    console.print("servers start")
    async with running_servers(SMALL) as servers:
        await as_shipped(servers)
        database = await asyncpg.connect(servers.postgres_url, command_timeout=600)
        await database.execute("SELECT set_config('app.actor', $1, false)", SYSTEM_ACTOR)
        people = People()
        async with Crowd() as crowd, running_house(servers, USUAL) as house:
            await people.register(house.url)
            followers = await Followers.arrive(database, people.all[0], results.sockets)
            thread = await followers.open_thread(database, house.url, results.sockets)
            await Soak(house, crowd, followers, thread, results, console.print).run(seconds)
        await database.close()


def _shares(results: Soaked) -> dict[str, float]:
    ordered = sorted(results.told)
    named = {f"p{share * 100:g}": percentile(ordered, share) * 1_000 for share in (0.5, 0.95, 0.99, 1.0)}
    return {name: round(value, 1) for name, value in {"mean": fmean(ordered) * 1_000, **named}.items()}


if __name__ == "__main__":
    typer.run(soak)
