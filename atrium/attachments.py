"""`atrium attachments`: what the store of files holds, against what the database knows of it."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Annotated

import typer

from atrium.installation import Installation
from services.attachments.repository.ledger import Ledger, Needed
from services.attachments.verification import objects_without_rows, rows_without_objects
from shared.application import CannotStart
from shared.contracts.refusals import Refusal
from shared.database.connections import Database
from shared.store.opening import store_of
from shared.store.settings import StoreSettings
from shared.store.store import Store, Stored

attachments = typer.Typer(no_args_is_help=True, help="Look after the store of files.")

_SERVICE = "attachments"


@dataclass(frozen=True)
class Found:
    """objects: no row knows of them. rows: their objects are gone."""

    objects: list[Stored] = field(default_factory=list)
    rows: list[Needed] = field(default_factory=list)


@attachments.callback()
def _attachments() -> None:
    """Look after the store of files."""


@attachments.command()
def verify(
    delete: Annotated[bool, typer.Option("--delete", help="Delete the objects that no row knows of. Rows stay as they are.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine to read.")] = False,
) -> None:
    """List objects without rows, and rows without objects. Nothing is deleted unless you say so; what is younger than an hour is left
    alone. Exit code 1 where something is left that is wrong.

    Example: atrium attachments verify --delete
    """
    found = asyncio.run(_verified(Installation.find(), delete=delete))
    if as_json:
        typer.echo(json.dumps(_shown(found, deleted=delete), indent=2))
    else:
        _show(found, deleted=delete)
    if found.rows or (found.objects and not delete):
        raise typer.Exit(1)


async def _verified(installation: Installation, *, delete: bool) -> Found:
    store = store_of(StoreSettings().model_copy(update={"data": installation.data}))
    database = Database(installation.background_url(_SERVICE), _SERVICE, connections=2)
    await store.open()
    await database.open()
    found = Found()
    try:
        await compare(store, Ledger(database), found, delete=delete)
    except Refusal as refusal:
        why, _, _ = str(refusal.__cause__ or refusal.detail).partition("\n")  # what S3's client says besides is many lines of its own
        raise CannotStart(f"The files cannot be looked at: {why}{_so_far(found, deleted=delete)}") from refusal
    finally:
        await database.close()
    return found


async def compare(store: Store, ledger: Ledger, found: Found, *, delete: bool) -> None:
    """found: what is found, also where this ends with a refusal. What is deleted is in it once it is gone."""
    async for unknown in objects_without_rows(store, ledger):
        if delete:
            await store.delete(unknown.key)
        found.objects.append(unknown)
    found.rows.extend([row async for row in rows_without_objects(store, ledger)])


def _so_far(found: Found, *, deleted: bool) -> str:
    """Who had objects deleted is told of those that are."""
    keys = ", ".join(stored.key for stored in found.objects)
    return f". Deleted before that, as no row knows of them: {keys}" if deleted and keys else ""


def _shown(found: Found, *, deleted: bool) -> dict[str, object]:
    objects = [{"key": each.key, "size": each.size, "writtenAt": each.written_at.isoformat()} for each in found.objects]
    rows = [{"attachmentId": str(each.attachment_id), "key": each.key} for each in found.rows]
    return {"objectsWithoutRows": objects, "deleted": deleted, "rowsWithoutObjects": rows}


def _show(found: Found, *, deleted: bool) -> None:
    if not found.objects and not found.rows:
        typer.echo("Every object has its row, and every row its object.")
        return
    for stored in found.objects:
        typer.echo(f"An object without a row{', deleted' if deleted else ''}: {stored.key}, {stored.size} bytes")
    for row in found.rows:
        typer.echo(f"A row without its object: attachment {row.attachment_id}, {row.key}")
    if found.objects and not deleted:
        typer.echo("Nothing was deleted. `atrium attachments verify --delete` deletes the objects without rows.")
    if found.rows:
        typer.echo("What rows have lost comes back from a copy of the store alone; until then those files are not served.")
