"""`atrium up`: checks, servers, schemas, gateway and services; then it watches them until it is stopped."""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from atrium.settings import check_settings, unknown_variables
from atrium.up.folder import check_port, take_folder
from atrium.up.record import Addresses, Record
from atrium.up.scanner import Scanner, choose_scanner
from atrium.up.screen import Screen
from atrium.up.servers import Servers
from atrium.up.supervisor import Supervisor
from atrium.up.terminal import ctrl_c_is_ours
from services.gateway.settings import GatewaySettings
from shared.application import CannotStart
from shared.credentials import Credentials
from shared.database.migrations import migrate
from shared.embedded import Program, data_folder
from shared.scanning import ScanningSettings
from shared.store.opening import store_of

PROJECT = Path(__file__).parents[2]
READY_WITHIN = 90.0
EVERYTHING = ("all",)


class Child(Program):
    """A process of Atrium's own."""

    def __init__(self, name: str, services: Sequence[str], environment: Mapping[str, str], data: Path) -> None:
        self.name, self._services, self._environment = name, services, environment
        self.log = data / "logs" / f"{name.lower().replace(' ', '-')}.log"

    @property
    def folder(self) -> Path:
        return PROJECT

    def command(self) -> list[str]:
        return [sys.executable, "-m", "atrium", "run", *self._services]

    def environment(self) -> Mapping[str, str]:
        return self._environment


def whole_processes(number: int) -> dict[str, Sequence[str]]:
    """Everything in one process, where services ask each other without the broker; docs/operations.md has the figures behind it."""
    names = ["Atrium"] if number == 1 else [f"Atrium {place}" for place in range(1, number + 1)]
    return dict.fromkeys(names, EVERYTHING)


def up() -> None:
    """Start all of Atrium on this machine, and stop it with Ctrl-C.

    Example: ATRIUM_PORT=9000 atrium up
    """
    check_settings()
    with ctrl_c_is_ours():
        asyncio.run(Start(GatewaySettings()).run())


class Start:
    """One run of `atrium up`."""

    def __init__(self, settings: GatewaySettings, children: Mapping[str, Sequence[str]] | None = None) -> None:
        self._settings = settings
        self._children = whole_processes(settings.processes) if children is None else children
        self._screen = Screen()
        self._wanted = settings.data.expanduser().resolve()
        self._data = data_folder(settings.data)
        self._record = Record(self._data)
        self._supervisor = Supervisor(self._screen, self._write_record)
        self._servers: Servers | None = None

    async def run(self) -> None:
        """Start everything and wait for SIGINT or SIGTERM. Raises `CannotStart`, with nothing left running."""
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        for line in unknown_variables():
            self._screen.warn(line)
        with take_folder(self._data):
            work = asyncio.create_task(self._work())
            asked = asyncio.create_task(stopping.wait())
            await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
            await self._stop(work)
            asked.cancel()
        if not work.cancelled() and (problem := work.exception()):
            raise problem

    async def _work(self) -> None:
        try:
            async with asyncio.TaskGroup() as keepers:
                await self._start(keepers)
        except ExceptionGroup as group:
            raise next((problem for problem in group.exceptions if isinstance(problem, CannotStart)), group) from None

    async def _start(self, keepers: asyncio.TaskGroup) -> None:
        if ended := self._record.end_leftovers():
            self._screen.line(f"  Ended what the last run left behind: {', '.join(ended)}")
        check_port(self._settings.host, self._settings.port)
        credentials = Credentials.of(self._data)
        self._servers = servers = Servers(self._settings, self._data, credentials)
        await servers.check_outside()
        if self._settings.store is not None:
            await self._look_at_the_store()
        await self._supervisor.start(servers.embedded, keepers)
        scanner = await choose_scanner(ScanningSettings(), self._data, servers.sockets, servers.account)
        if scanner.program:
            self._supervisor.start_aside(scanner.program, keepers)  # its signatures take a while, and files can wait
        with self._screen.step("Bringing the schemas up to date …", "The schemas are up to date"):
            await migrate(servers.admin_url, credentials, lambda line: self._screen.line(f"    {line}"))
        await servers.declare_stream()
        environment = self._environment(servers, scanner)
        for name, services in self._children.items():
            await self._supervisor.start([Child(name, services, environment, self._data)], keepers)
        if self._children:
            with self._screen.step("Waiting until it is ready …", "Ready"):
                await self._ready()
        self._screen.banner(self._url, self._data, self._wanted if self._wanted != self._data else None, scanner.notes)

    async def _look_at_the_store(self) -> None:
        store = store_of(self._settings)
        with self._screen.step("Looking at the store of files …", "The store of files was looked at"):
            await store.open()
        health = await store.health()
        if not health.ok:
            self._screen.warn(f"Files need their store, and nothing else does: {health.detail}")

    async def _stop(self, work: asyncio.Task[None]) -> None:
        work.cancel()
        await asyncio.wait({work})
        if self._supervisor.processes:
            with self._screen.step("Stopping …", "Stopped"):
                await self._supervisor.stop()
        self._record.remove()
        if self._servers:
            shutil.rmtree(self._servers.sockets, ignore_errors=True)

    def _environment(self, servers: Servers, scanner: Scanner) -> dict[str, str]:
        return {
            **os.environ,
            "ATRIUM_DATA": str(self._data),
            "ATRIUM_HOST": self._settings.host,
            "ATRIUM_PORT": str(self._settings.port),
            "ATRIUM_SHARED_PORT": str(self._settings.shared_port or self._settings.processes > 1),
            "ATRIUM_METRICS_PORT": "0",  # several processes: each takes a free one
            "ATRIUM_POSTGRES_URL": servers.postgres_url,
            "ATRIUM_NATS_URL": servers.nats_url,
            "ATRIUM_REDIS_URL": servers.redis_url,
            "ATRIUM_CLAMD_URL": scanner.url or "",
        }

    def _write_record(self) -> None:
        if self._servers:
            servers = self._servers
            addresses = Addresses(servers.postgres_url, servers.nats_url, servers.redis_url, self._url)
            self._record.write(addresses, self._supervisor.processes)

    @property
    def _url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._settings.host, self._settings.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self._settings.port}"

    async def _ready(self) -> None:
        until = time.monotonic() + READY_WITHIN
        while missing := await asyncio.to_thread(_missing, f"{self._url}/readyz"):
            if time.monotonic() > until:
                raise CannotStart(f"Atrium was not ready within {READY_WITHIN:.0f} s ({missing}): see {self._data / 'logs'}.")
            await asyncio.sleep(0.1)


def _missing(url: str) -> str:
    """What the gateway lacks; nothing when it is ready."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2):
            return ""
    except urllib.error.HTTPError as answer:
        return _named(answer.read())
    except OSError:
        return "the gateway does not answer"


def _named(body: bytes) -> str:
    try:
        problem = json.loads(body)
        found = {**problem["dependencies"], **problem["services"]}
        return "missing: " + ", ".join(name for name, state in found.items() if not state["ok"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the gateway is not ready"
