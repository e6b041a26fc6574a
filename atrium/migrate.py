"""`atrium migrate`: roles, schemas and the stream of events."""

import asyncio
from typing import Annotated

import typer

from atrium.stream import declare_stream
from shared.application import CannotStart
from shared.credentials import OPERATOR, Credentials
from shared.database.migrations import migrate as migrate_all
from shared.database.migrations import outdated
from shared.settings import Settings


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 where a schema is not up to date.")] = False,
    keep_passwords: Annotated[
        bool, typer.Option("--keep-passwords", help="The roles' passwords are set by someone else; those of the data folder are not used.")
    ] = False,
) -> None:
    """Bring roles and schemas up to date, and the stream of events where ATRIUM_NATS_URL is set. Safe when several start it at once.

    Example: ATRIUM_POSTGRES_URL=postgresql://postgres@db/atrium atrium migrate
    """
    settings = Settings()
    if settings.postgres_url is None:
        raise CannotStart("ATRIUM_POSTGRES_URL is not set: name the server, and a user who may make roles. `atrium up` migrates by itself.")
    if check:
        _check(settings.postgres_url)
        return
    credentials = None if keep_passwords else Credentials.of(settings.data)
    asyncio.run(_migrate(settings, settings.postgres_url, credentials))


async def _migrate(settings: Settings, postgres_url: str, credentials: Credentials | None) -> None:
    await migrate_all(postgres_url, credentials, typer.echo)
    typer.echo("All schemas are up to date.")
    if settings.nats_url is not None:
        password = settings.nats_password or Credentials.of(settings.data).nats[OPERATOR]
        await declare_stream(settings.nats_url, password, settings)
        typer.echo("The stream of events is up to date.")


def _check(url: str) -> None:
    behind = asyncio.run(outdated(url))
    for service, (found, wanted) in behind.items():
        typer.echo(f"{service}: at {found or 'nothing'}, this code needs {wanted}", err=True)
    if behind:
        raise typer.Exit(1)
    typer.echo("All schemas are up to date.")
