"""`atrium scans`: what the scanner found of files, and scans that are done again."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from atrium.installation import Installation
from shared.application import CannotStart
from shared.contracts.attachments.attachments import ScanStatus
from shared.contracts.attachments.scans import LIST_SCANS, RESCAN, SHOW_SCAN, ListScans, Rescan, Scan, ShowScan
from shared.contracts.model import Request, View
from shared.contracts.operations import Operation
from shared.contracts.refusals import Refusal, ServiceIsUnavailable
from shared.messaging.caller import Caller

scans = typer.Typer(no_args_is_help=True, help="Look at scans of files, and have files scanned again.")

_PAGE = 200
WIDE = 10_000  # characters: ids are copied, so none is cut, and a line stays one

Identifier = Annotated[UUID, typer.Argument(help="The attachment's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="For a machine to read.")]


@scans.command("list")
def list_scans(
    status: Annotated[ScanStatus | None, typer.Option(help="Of files in this state alone.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The scans of files, the newest files first.

    Example: atrium scans list --status infected
    """
    found = asyncio.run(_first(status, most))
    if as_json:
        typer.echo(json.dumps([_shown(scan) for scan in found], indent=2))
        return
    table = Table("attachment", "state", "result", "tries", "bytes", "created", "name", box=None, pad_edge=False)
    for scan in found:
        result, created = escape(scan.scan_result or ""), f"{scan.created_at:%Y-%m-%d %H:%M}"
        table.add_row(str(scan.attachment_id), scan.scan_status, result, str(scan.attempts), str(scan.size), created, escape(scan.filename))
    Console(width=WIDE).print(table)


@scans.command()
def show(identifier: Identifier, as_json: AsJson = False) -> None:
    """One file and its scan.

    Example: atrium scans show 0198c0de-0000-7000-8000-000000000000
    """
    scan = _shown(asyncio.run(_ask(SHOW_SCAN, ShowScan(attachment_id=identifier))))
    if as_json:
        typer.echo(json.dumps(scan, indent=2))
        return
    for name, value in scan.items():
        typer.echo(f"{name}: {'' if value is None else value}")


@scans.command()
def rescan(
    identifier: Annotated[UUID | None, typer.Argument(help="The attachment's id: all files with its bytes are scanned again.")] = None,
    outdated: Annotated[bool, typer.Option("--outdated", help="All that was scanned by other signatures than clamd has now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have files scanned again. Until that is done they are not served.

    Example: atrium scans rescan --outdated
    """
    if (identifier is not None) == outdated:
        raise CannotStart("Say what is scanned again: an attachment's id, or --outdated.")
    files = asyncio.run(_rescanned(Rescan(attachment_id=identifier, outdated=outdated)))
    typer.echo(json.dumps({"files": files}) if as_json else f"{files} {'file is' if files == 1 else 'files are'} scanned again.")


async def _first(status: ScanStatus | None, most: int) -> list[Scan]:
    found: list[Scan] = []
    async for scan in _pages(status, min(most, _PAGE)):
        found.append(scan)
        if len(found) == most:
            break
    return found


async def _pages(status: ScanStatus | None, limit: int) -> AsyncIterator[Scan]:
    async with Installation.find().caller() as caller:
        cursor, more = None, True
        while more:
            page = await _answer(caller, LIST_SCANS, ListScans(status=status, limit=limit, cursor=cursor))
            for scan in page.scans:
                yield scan
            cursor, more = page.next_cursor, page.has_more


async def _rescanned(request: Rescan) -> int:
    """A batch a call, until none is left."""
    files = 0
    async with Installation.find().caller() as caller:
        while (batch := await _answer(caller, RESCAN, request)).files:
            files += batch.files
            request = request.model_copy(update={"asked_at": batch.asked_at})
    return files


async def _ask[Q: Request, R: View](operation: Operation[Q, R], request: Q) -> R:
    async with Installation.find().caller() as caller:
        return await _answer(caller, operation, request)


async def _answer[Q: Request, R: View](caller: Caller, operation: Operation[Q, R], request: Q) -> R:
    try:
        return await caller(operation, request, None)
    except ServiceIsUnavailable:
        raise CannotStart("The attachments service does not answer: is Atrium running? See `atrium doctor`.") from None
    except Refusal as refusal:
        raise CannotStart(refusal.detail) from None


def _shown(scan: View) -> dict[str, object]:
    return scan.model_dump(mode="json", by_alias=True)
