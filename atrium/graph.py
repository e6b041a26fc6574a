"""`atrium graph`: the copy of the links in Neo4j, against what PostgreSQL has."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from atrium.installation import Installation
from services.graph.engines import MirrorIsAway
from services.graph.mirror.connection import BatchIsRefused, Neo4j
from services.graph.mirror.mirror import Mirror, MirrorIsAnothers
from services.graph.mirror.reconciliation import Differences, Reconciliation, TooManyToDelete
from services.graph.mirror.statements import COUNT_ARTIFACTS, COUNT_LINKS
from services.graph.repository.mirror import MirrorSource
from services.graph.settings import GraphSettings
from shared.application import CannotStart
from shared.contracts.refusals import ServiceIsUnavailable
from shared.database.connections import Database

graph = typer.Typer(no_args_is_help=True, help="Look after the mirror of the links in Neo4j.")

_SERVICE = "graph"
_MOST = 1_000_000  # changes that are counted
_LOOK = 0.5  # seconds

AsJson = Annotated[bool, typer.Option("--json", help="For a machine to read.")]


@dataclass(frozen=True)
class Operated:
    """What the commands work with."""

    mirror: Mirror
    source: MirrorSource


@graph.command()
def status(as_json: AsJson = False) -> None:
    """How far the mirror is behind, and what either side has. Exit code 1 where it has not caught up.

    Example: atrium graph status
    """
    found = asyncio.run(_status())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            typer.echo(f"{name}: {value}")
    if found["behind"] or found["wiping"]:
        raise typer.Exit(1)


@graph.command()
def rebuild(
    force: Annotated[bool, typer.Option("--force", help="Also take a Neo4j that holds another graph: it is emptied.")] = False,
) -> None:
    """Empty the mirror, and have it made anew from PostgreSQL by the graph service, which serves meanwhile. Ended early, it goes on.

    Example: atrium graph rebuild
    """
    asyncio.run(_rebuild(force=force))


@graph.command()
def reconcile(
    force: Annotated[bool, typer.Option("--force", help="Delete from the mirror what PostgreSQL does not know, however much.")] = False,
    thorough: Annotated[bool, typer.Option("--thorough", help="Compare every property, instead of checksums of versions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the mirror with PostgreSQL, and mend what differs. Exit code 1 where something could not be mended.

    Example: atrium graph reconcile
    """
    found, parked = asyncio.run(_reconcile(force=force, thorough=thorough, quiet=as_json))
    shown = {
        "compared": found.compared,
        "wrong": len(found.wrong_artifacts) + len(found.wrong_links),
        "unknown": found.unknown,
        "parked": parked,
    }
    typer.echo(json.dumps(shown) if as_json else f"{found.count} differences among {found.compared}; {parked} could not be mended.")
    if parked:
        raise typer.Exit(1)


async def _status() -> dict[str, object]:
    async with _operated() as operated:
        standing = await operated.mirror.standing()
        backlog = await operated.source.backlog(standing.position, _MOST)
        artifacts, links = await operated.source.counts()
        return {
            "position": standing.position,
            "wiping": standing.wiping,
            "behind": backlog.behind,
            "behindSeconds": round(backlog.since.total_seconds(), 3),
            "parked": backlog.parked,
            "artifacts": artifacts,
            "mirroredArtifacts": (await operated.mirror.neo4j.run(COUNT_ARTIFACTS))[0]["count"],
            "links": links,
            "mirroredLinks": (await operated.mirror.neo4j.run(COUNT_LINKS))[0]["count"],
        }


async def _rebuild(*, force: bool) -> None:
    async with _operated() as operated:
        try:
            await operated.mirror.standing()
        except MirrorIsAnothers:
            if not force:
                raise
        await operated.mirror.begin_anew()
        head = await operated.source.head()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns) as progress:
            task = progress.add_task("emptying", total=head)
            while (standing := await operated.mirror.standing()).wiping or standing.position < head:
                progress.update(task, completed=standing.position, description="emptying" if standing.wiping else "making")
                await asyncio.sleep(_LOOK)
            progress.update(task, completed=head, description="made")


async def _reconcile(*, force: bool, thorough: bool, quiet: bool) -> tuple[Differences, int]:
    async with _operated() as operated:
        reconciliation, found = Reconciliation(operated.mirror, operated.source), Differences()
        with Progress(disable=quiet) as progress:
            task = progress.add_task("comparing", total=sum(await operated.source.counts()))
            async for count in (reconciliation.find_in_rows if thorough else reconciliation.find)(found):
                progress.advance(task, count)
        return found, await reconciliation.mend(found, force=force)


@asynccontextmanager
async def _operated() -> AsyncIterator[Operated]:
    """Raises `CannotStart` for all that keeps the commands from their work."""
    settings = GraphSettings()
    if settings.neo4j_url is None:
        raise CannotStart("There is no mirror: ATRIUM_NEO4J_URL is not set.")
    database = Database(Installation.find().background_url(_SERVICE), _SERVICE, connections=2)
    await database.open()
    try:
        neo4j = Neo4j(settings.neo4j_url, settings.neo4j_user, settings.neo4j_password)
        try:
            source = MirrorSource(database)
            yield Operated(Mirror(neo4j, source, await source.mirror_id()), source)
        finally:
            await neo4j.close()
    except MirrorIsAnothers as another:
        raise CannotStart(another.__doc__ or "") from another
    except TooManyToDelete as many:
        raise CannotStart(f"{many.__doc__} Look first at what PostgreSQL has.") from many
    except (MirrorIsAway, BatchIsRefused, ValueError) as away:
        raise CannotStart(f"Neo4j does not do it: {away}") from away
    except ServiceIsUnavailable as away:
        raise CannotStart(f"PostgreSQL does not answer: {away.__cause__}") from away
    finally:
        await database.close()
