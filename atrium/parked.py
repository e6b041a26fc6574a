"""`atrium parked`: events that a service could not take."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from atrium.installation import Installation
from shared.application import CannotStart
from shared.credentials import STORING_SERVICES

parked = typer.Typer(help="Events that a service could not take, kept for you.", no_args_is_help=True)

Identifier = Annotated[UUID, typer.Argument(help="The parked event's id, as `atrium parked list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, with everything.")]

_COLUMNS = "id, consumer, event_id, subject, data, headers, error, tries, parked_at, retry_at"
_TRIED_WITHIN = 5.0

type Session = asyncpg.Connection[asyncpg.Record]
type Row = dict[str, Any]


@parked.callback()
def _parked() -> None:
    """Events that a service could not take, kept for you."""


@parked.command("list")
def list_parked(as_json: AsJson = False) -> None:
    """List parked events, the newest first.

    Example: atrium parked list --json
    """
    rows = asyncio.run(_all(Installation.find()))
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not rows:
        typer.echo("No event is parked.")
        return
    table = Table("id", "consumer", "event", "tries", "parked at", "error")
    for row in rows:
        table.add_row(row["id"], row["consumer"], _kind(row), str(row["tries"]), row["parkedAt"], row["error"][:200])
    Console().print(table)


@parked.command()
def show(identifier: Identifier, as_json: AsJson = False) -> None:
    """Show one parked event with its content and its error.

    Example: atrium parked show 0198c0de-0000-7000-8000-000000000000
    """
    row = asyncio.run(_one(Installation.find(), identifier, _found))
    if as_json:
        typer.echo(json.dumps(row, ensure_ascii=False, indent=2))
        return
    for name, value in row.items():
        typer.echo(f"{name}: {json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value}")


@parked.command()
def retry(identifier: Identifier, as_json: AsJson = False) -> None:
    """Have a parked event taken again, by its service. Exit code 1 where that failed again.

    Example: atrium parked retry 0198c0de-0000-7000-8000-000000000000
    """
    error = asyncio.run(_one(Installation.find(), identifier, _tried))
    if as_json:
        typer.echo(json.dumps({"id": str(identifier), "taken": error is None, "error": error}, ensure_ascii=False))
    else:
        typer.echo("It is taken." if error is None else f"It is still parked: {error}")
    if error is not None:
        raise typer.Exit(1)


@parked.command()
def drop(
    identifier: Identifier,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a parked event for good: its service never takes it.

    Example: atrium parked drop 0198c0de-0000-7000-8000-000000000000 --yes
    """
    installation = Installation.find()
    if not yes:
        typer.confirm("Its service will never take this event. Drop it?", abort=True)
    asyncio.run(_one(installation, identifier, _dropped))
    typer.echo(json.dumps({"id": str(identifier), "dropped": True}) if as_json else "It is dropped.")


async def _all(installation: Installation) -> list[Row]:
    rows: list[Row] = []
    for service in STORING_SERVICES:
        async with _session(installation, service) as session:
            rows += [_view(service, row) for row in await session.fetch(f"SELECT {_COLUMNS} FROM parked LIMIT 1000")]
    return sorted(rows, key=lambda row: str(row["parkedAt"]), reverse=True)


async def _one[T](installation: Installation, identifier: UUID, act: Callable[[Session, str, asyncpg.Record], Awaitable[T]]) -> T:
    for service in STORING_SERVICES:
        async with _session(installation, service) as session:
            row = await session.fetchrow(f"SELECT {_COLUMNS} FROM parked WHERE id = $1", identifier)
            if row is not None:
                return await act(session, service, row)
    raise CannotStart(f"No event is parked with the id {identifier}: see `atrium parked list`.")


async def _found(_: Session, service: str, row: asyncpg.Record) -> Row:
    return _view(service, row)


async def _dropped(session: Session, _: str, row: asyncpg.Record) -> None:
    async with session.transaction():
        if row["event_id"] is not None:  # a replay gives it again: then it counts as taken
            await session.execute(
                "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", row["consumer"], row["event_id"]
            )
        await session.execute("DELETE FROM parked WHERE id = $1", row["id"])


async def _tried(session: Session, service: str, row: asyncpg.Record) -> str | None:
    """The error, or None when the service has taken it."""
    await session.execute("UPDATE parked SET retry_at = now() WHERE id = $1", row["id"])
    until = time.monotonic() + _TRIED_WITHIN
    while time.monotonic() < until:
        await asyncio.sleep(0.2)
        now = await session.fetchrow("SELECT error, retry_at FROM parked WHERE id = $1", row["id"])
        if now is None:
            return None
        if now["retry_at"] is None:
            return str(now["error"])
    return f"{service} has not tried it yet; it will as soon as it runs"


@asynccontextmanager
async def _session(installation: Installation, service: str) -> AsyncIterator[Session]:
    try:
        session: Session = await asyncpg.connect(
            installation.background_url(service), timeout=5, command_timeout=10, server_settings={"search_path": service}
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as problem:
        raise CannotStart(f"The database of {service} cannot be reached ({problem}): see `atrium doctor`.") from problem
    try:
        yield session
    finally:
        await session.close(timeout=2)


def _view(service: str, row: asyncpg.Record) -> Row:
    return {
        "id": str(row["id"]),
        "service": service,
        "consumer": row["consumer"],
        "eventId": str(row["event_id"]) if row["event_id"] else None,
        "subject": row["subject"],
        "data": row["data"],
        "headers": json.loads(row["headers"]),
        "error": row["error"],
        "tries": row["tries"],
        "parkedAt": row["parked_at"].isoformat(timespec="seconds"),
        "retryAt": row["retry_at"].isoformat(timespec="seconds") if row["retry_at"] else None,
    }


def _kind(row: Row) -> str:
    return ".".join(str(row["subject"]).split(".")[1:3])
