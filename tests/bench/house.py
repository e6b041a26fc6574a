"""A whole Atrium, by the processes that run it, and what each of them costs."""

import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import override

import httpx2
import psutil

from shared.credentials import STORING_SERVICES
from shared.embedded.program import Program
from tests.servers import Servers

HOST = "127.0.0.1"

# The ways to spread the services over processes. The gateway comes last: it is ready when those whom it asks are.
LAYOUTS: dict[str, list[list[str]]] = {
    "one process": [["all"]],
    "two processes": [list(STORING_SERVICES), ["gateway"]],
    "one a service": [[service] for service in (*STORING_SERVICES, "gateway")],
}
USUAL = "two processes"
"""The gateway, and all services: what `atrium up` starts."""

# High, and not 0: the limiter counts every request, as it does where the limit is reached.
_LIMITS = {f"ATRIUM_{name}_PER_MINUTE": "100000000" for name in ("MESSAGES", "REQUESTS", "UPLOADS")}


class AtriumProcess(Program):
    """`atrium run …`."""

    def __init__(self, services: list[str], settings: Mapping[str, str], data: Path) -> None:
        self.name = "all" if services == ["all"] else services[0] if len(services) == 1 else "services"
        self.log = data / "logs" / f"{self.name}.log"
        self._services, self._settings, self._port = services, settings, free_port()

    def command(self) -> list[str]:
        return [sys.executable, "-m", "atrium", "run", *self._services]

    @property
    def folder(self) -> Path:
        return Path(__file__).parents[2]

    def environment(self) -> Mapping[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ATRIUM_")}
        return {**ours, **self._settings, **_LIMITS, "ATRIUM_METRICS_PORT": str(self._port)}

    @override
    async def answers(self) -> bool:
        return await _is_ready(self._port)


@dataclass(frozen=True)
class House:
    """An Atrium that runs. `programs` are its processes and its servers, by name."""

    layout: str
    port: int
    programs: dict[str, Program]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def cpu_seconds(self) -> dict[str, float]:
        """What each process has used up to now; those of PostgreSQL count as one."""
        return {name: _cpu_seconds(psutil.Process(program.process.pid)) for name, program in self.programs.items()}

    def megabytes(self) -> float:
        """Memory of Atrium's own processes."""
        own = [program for program in self.programs.values() if isinstance(program, AtriumProcess)]
        return sum(psutil.Process(program.process.pid).memory_info().rss for program in own) / 2**20


@asynccontextmanager
async def running_house(servers: Servers, layout: str) -> AsyncIterator[House]:
    """All of Atrium over these servers; stopped in order afterwards."""
    port = free_port()
    settings = {**servers.environment, "ATRIUM_PORT": str(port), "ATRIUM_HOST": HOST}
    processes = [AtriumProcess(services, settings, servers.data) for services in LAYOUTS[layout]]
    named = {"postgres": servers.postgres, "nats": servers.nats, "valkey": servers.valkey}
    programs = {name: server for name, server in named.items() if isinstance(server, Program)}
    try:
        for process in processes:
            await process.start()
        yield House(layout, port, {process.name: process for process in processes} | programs)
    finally:
        for process in reversed(processes):
            await process.stop(within=10)


async def _is_ready(port: int) -> bool:
    async with httpx2.AsyncClient() as client:
        try:
            return (await client.get(f"http://{HOST}:{port}/readyz")).status_code == 200
        except httpx2.TransportError:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _cpu_seconds(process: psutil.Process) -> float:
    """Of a process, the children that it has, and those that it had."""
    own = process.cpu_times()
    had = own.children_user + own.children_system
    return own.user + own.system + had + sum(_cpu_seconds(child) for child in process.children())
