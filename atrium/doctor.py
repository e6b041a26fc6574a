"""`atrium doctor`: whether everything that Atrium needs is there, and what to do about what is not."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated

import asyncpg
import redis.asyncio as redis
import typer
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from atrium.installation import Installation
from shared.application import CannotStart
from shared.credentials import SERVICES, STORING_SERVICES
from shared.database.versions import wanted_version
from shared.messaging.discovery import Instance, discover
from shared.messaging.streams import EVENTS

_PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing. `remedy` is there where something is wrong."""

    name: str
    ok: bool
    version: str = ""
    milliseconds: float | None = None
    detail: str = ""
    remedy: str = ""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For a machine to read.")] = False) -> None:
    """Look at each server and service: reachable, version, latency, schema. Exit code 1 where something is wrong.

    Example: atrium doctor --json
    """
    findings = asyncio.run(examine(Installation.find()))
    if as_json:
        typer.echo(json.dumps({"ok": all(finding.ok for finding in findings), "findings": [asdict(finding) for finding in findings]}))
    else:
        _show(findings)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


async def examine(installation: Installation) -> list[Finding]:
    """All findings: servers first, then schemas, the stream and services."""
    findings = [
        await _timed("PostgreSQL", lambda: _postgres(installation), "Is it running? Is ATRIUM_POSTGRES_URL right?"),
        await _timed("Valkey", lambda: _valkey(installation), "Limits are kept by each gateway alone until it is back."),
    ]
    findings += [await _schema(installation, service) for service in STORING_SERVICES]
    try:
        async with installation.nats() as client:
            started = time.perf_counter()
            await client.flush()
            findings.append(Finding("NATS", True, _version(client), _since(started)))
            findings.append(await _stream(client.jetstream(timeout=_PATIENCE)))
            running = await discover(client, expected=SERVICES)
    except CannotStart as problem:
        findings.append(Finding("NATS", False, detail=str(problem), remedy="Is it running? Is ATRIUM_NATS_URL right?"))
        return findings
    return findings + [finding for service in SERVICES for finding in _service(service, running)]


async def _timed(name: str, look: Callable[[], Awaitable[str]], remedy: str) -> Finding:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE):
            version = await look()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, RedisError) as problem:
        return Finding(name, False, detail=str(problem) or type(problem).__name__, remedy=remedy)
    return Finding(name, True, version, _since(started))


async def _postgres(installation: Installation) -> str:
    connection = await asyncpg.connect(installation.background_url(STORING_SERVICES[0]), timeout=_PATIENCE)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close(timeout=1)


async def _valkey(installation: Installation) -> str:
    if installation.redis_url is None:
        raise OSError("its address is not known")
    async with redis.from_url(installation.redis_url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE) as client:
        info = await client.info("server")
    return str(info.get("valkey_version") or info.get("redis_version"))


async def _schema(installation: Installation, service: str) -> Finding:
    name, wanted = f"schema {service}", wanted_version(service)
    try:
        connection = await asyncpg.connect(installation.background_url(service), timeout=_PATIENCE)
        try:
            found = await connection.fetchval(f"SELECT version_num FROM {service}.schema_version")
        finally:
            await connection.close(timeout=1)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        return Finding(name, False, detail=str(problem) or type(problem).__name__, remedy="Run `atrium migrate`.")
    if found != wanted:
        return Finding(name, False, str(found), detail=f"this program needs {wanted}", remedy="Run `atrium migrate`.")
    return Finding(name, True, str(found))


async def _stream(js: JetStreamContext) -> Finding:
    try:
        state = (await js.stream_info(EVENTS)).state
    except NotFoundError:
        return Finding("stream EVENTS", False, detail="it is not there", remedy="Run `atrium replay`.")
    return Finding("stream EVENTS", True, detail=f"{state.messages} events, the last at {state.last_seq}")


def _service(service: str, running: list[Instance]) -> list[Finding]:
    instances = [instance for instance in running if instance.name == service]
    if not instances:
        return [
            Finding(f"service {service}", False, detail="it does not answer", remedy=f"Start it: `atrium run {service}`, or `atrium up`.")
        ]
    return [_instance(instance) for instance in instances]


def _instance(instance: Instance) -> Finding:
    troubles = {name: dependency for name, dependency in instance.dependencies.items() if not dependency.ok}
    detail = ", ".join(f"{name}: {dependency.detail or 'away'}" for name, dependency in troubles.items())
    told = ", ".join(dependency.notice for dependency in instance.dependencies.values() if dependency.notice)
    remedy = ""
    if "halted" in detail:
        remedy = "The store of events was lost or put back: run `atrium replay`."
    elif set(troubles) == {"clamd"}:
        remedy = "Files are taken, and scanned by themselves once clamd is right: see `The scanner` in docs/operations.md."
        if "names none" in detail:
            remedy = "Files are taken, and wait: install ClamAV and its signatures, or set ATRIUM_CLAMD_URL, and start Atrium again."
    elif set(troubles) == {"store"}:
        remedy = "Files need it, and nothing else does: see `The store` in docs/operations.md. It mends itself when the store is back."
    elif troubles:
        remedy = "It mends itself when what it needs is back."
    return Finding(f"service {instance.name}", not troubles, instance.version, detail=detail or told or instance.process, remedy=remedy)


def _version(client: Client) -> str:
    found = client.connected_server_version
    return f"{found.major}.{found.minor}.{found.patch}"


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


def _show(findings: list[Finding]) -> None:
    table = Table("", "", "version", "ms", "", "what to do", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]wrong[/]"
        latency = "" if finding.milliseconds is None else f"{finding.milliseconds:.1f}"
        table.add_row(mark, finding.name, finding.version, latency, finding.detail, finding.remedy)
    Console().print(table)
