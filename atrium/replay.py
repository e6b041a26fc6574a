"""`atrium replay`: the stream of events made anew."""

import asyncio
from typing import Annotated

import asyncpg
import typer
from nats.errors import Error as NatsError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from atrium.installation import Installation
from shared.application import CannotStart
from shared.credentials import STORING_SERVICES
from shared.outbox.replay import CannotReplay
from shared.outbox.replay import replay as make_anew


def replay(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Make the stream of events anew from what the services keep (7 days of events).

    For when NATS lost its store, or it was put back to an older copy: `atrium doctor` says so. Posting goes on meanwhile; events wait.
    Clients that resume get a reset. Killed half-way, it goes on where it was when it is started again.

    Example: atrium replay --yes
    """
    installation = Installation.find()
    if not yes:
        typer.confirm("The stream EVENTS is deleted and made anew; clients reload what they show. Go on?", abort=True)
    try:
        events = asyncio.run(_replay(installation))
    except CannotReplay as reason:
        raise CannotStart(f"{reason}: nothing was changed, try again in a moment.") from reason
    except (NatsError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as problem:
        raise CannotStart(f"The replay broke off ({str(problem) or type(problem).__name__}): start it again, it goes on.") from problem
    typer.echo(f"The stream is new, and holds {events} events.")


async def _replay(installation: Installation) -> int:
    columns = (TextColumn("Publishing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def report(done: int, left: int) -> None:
            progress.update(task, completed=done, total=left)

        urls = {service: installation.background_url(service) for service in STORING_SERVICES}
        async with installation.nats() as client:
            return await make_anew(urls, client, installation.settings, report)
