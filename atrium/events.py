"""`atrium events`: what happens, as it happens."""

import asyncio
import json
from typing import Annotated, Any
from uuid import UUID

import typer
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NoEvents
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError
from rich.console import Console

from atrium.installation import Installation
from shared.application import CannotStart
from shared.identifiers import new_id
from shared.messaging.streams import EVENTS

events = typer.Typer(help="What happens, as it happens.", no_args_is_help=True)


@events.callback()
def _events() -> None:
    """What happens, as it happens."""


@events.command()
def tail(
    thread: Annotated[UUID | None, typer.Option("--thread", help="Only what belongs to this thread.")] = None,
    cursor: Annotated[int | None, typer.Option("--from", min=1, metavar="CURSOR", help="Begin with the event at this cursor.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with everything.")] = False,
) -> None:
    """Show events until Ctrl-C, from now on or from a cursor.

    Example: atrium events tail --thread 0198c0de-0000-7000-8000-000000000000 --from 1
    """
    subject = f"event.*.*.*.*.{thread}" if thread else "event.>"
    try:
        asyncio.run(_tail(Installation.find(), subject, cursor, as_json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _tail(installation: Installation, subject: str, cursor: int | None, as_json: bool) -> None:
    console = Console(highlight=False)
    async with installation.nats() as client:
        reader = await _reader(client.jetstream(), subject, cursor)
        while True:
            try:
                for message in await reader.fetch(100, timeout=5):
                    cursor = message.metadata.sequence.stream + 1
                    if as_json:
                        typer.echo(json.dumps(_whole(message), ensure_ascii=False))
                    else:
                        _show(console, message)
            except NoEvents:
                continue
            except NatsError:  # it was away, and has forgotten this reader
                await asyncio.sleep(1)
                reader = await _again(client.jetstream(), subject, cursor) or reader


async def _reader(js: JetStreamContext, subject: str, cursor: int | None) -> JetStreamContext.PullSubscription:
    name = f"tail-{new_id().hex}"
    policy = DeliverPolicy.NEW if cursor is None else DeliverPolicy.BY_START_SEQUENCE
    config = ConsumerConfig(
        name=name,
        filter_subject=subject,
        deliver_policy=policy,
        opt_start_seq=cursor,
        ack_policy=AckPolicy.NONE,
        mem_storage=True,
        inactive_threshold=60,
    )
    try:
        await js.add_consumer(EVENTS, config)
    except NotFoundError as problem:
        raise CannotStart("There is no stream EVENTS: run `atrium doctor`.") from problem
    except APIError as problem:
        raise CannotStart(f"The stream EVENTS cannot be read from there: {problem.description}.") from problem
    return await js.pull_subscribe_bind(consumer=name, stream=EVENTS)


async def _again(js: JetStreamContext, subject: str, cursor: int | None) -> JetStreamContext.PullSubscription | None:
    try:
        return await _reader(js, subject, cursor)
    except NatsError:
        return None


def _whole(message: Msg) -> dict[str, Any]:
    headers = message.headers or {}
    return {
        "cursor": message.metadata.sequence.stream,
        "type": headers.get("ce-type"),
        "id": headers.get("ce-id"),
        "time": headers.get("ce-time"),
        "subject": message.subject,
        "data": json.loads(message.data),
    }


def _show(console: Console, message: Msg) -> None:
    whole = _whole(message)
    time = (whole["time"] or "").partition("T")[2][:12]
    console.print(f"[dim]{whole['cursor']:>8} {time}[/] [bold]{whole['type']}[/] [cyan]{message.subject.rpartition('.')[2]}[/]")
    console.print(json.dumps(whole["data"], ensure_ascii=False), style="dim", markup=False, soft_wrap=True)
