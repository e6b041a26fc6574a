"""A whole Atrium, by the processes that run it, and what each of them costs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from shared.credentials import STORING_SERVICES
from shared.embedded import Postgres
from shared.embedded.postgres import SETTINGS
from shared.embedded.program import Program
from tests.processes import HOST, RAISED_LIMITS, AtriumProcess, free_port
from tests.servers import Servers

# The ways to spread the services over processes. The gateway comes last: it is ready when those whom it asks are.
APART = "gateway and services"
LAYOUTS: dict[str, list[list[str]]] = {
    "one process": [["all"]],
    "two whole processes": [["all"], ["all"]],
    APART: [list(STORING_SERVICES), ["gateway"]],
    "one a service": [[service] for service in (*STORING_SERVICES, "gateway")],
}
USUAL = "one process"
"""Everything together: what `atrium up` starts."""


@dataclass(frozen=True)
class House:
    """An Atrium that runs. `programs` are its processes and its servers, by name."""

    layout: str
    port: int
    programs: dict[str, Program]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def own(self) -> dict[str, AtriumProcess]:
        """Atrium's own processes."""
        return {name: program for name, program in self.programs.items() if isinstance(program, AtriumProcess)}

    def cpu_seconds(self) -> dict[str, float]:
        """What each process has used up to now; those of PostgreSQL count as one."""
        return {name: _cpu_seconds(psutil.Process(program.process.pid)) for name, program in self.programs.items()}

    def megabytes(self) -> float:
        """Memory of Atrium's own processes."""
        return sum(psutil.Process(program.process.pid).memory_info().rss for program in self.own.values()) / 2**20


@asynccontextmanager
async def running_house(servers: Servers, layout: str, others: Mapping[str, str] | None = None) -> AsyncIterator[House]:
    """All of Atrium over these servers; stopped in order afterwards. others: settings beside the usual."""
    port = free_port()
    settings = {
        **servers.environment,
        **RAISED_LIMITS,
        "ATRIUM_PORT": str(port),
        "ATRIUM_HOST": HOST,
        "ATRIUM_SHARED_PORT": "true",
        **(others or {}),
    }
    names = [f"all {place}" if services == ["all"] else None for place, services in enumerate(LAYOUTS[layout], 1)]
    processes = [AtriumProcess(services, settings, servers.data, name) for services, name in zip(LAYOUTS[layout], names, strict=True)]
    named = {"postgres": servers.postgres, "nats": servers.nats, "valkey": servers.valkey}
    programs = {name: server for name, server in named.items() if isinstance(server, Program)}
    try:
        for process in processes:
            await process.start()
        yield House(layout, port, {process.name: process for process in processes} | programs)
    finally:
        for process in reversed(processes):
            await process.stop(within=10)


async def as_shipped(servers: Servers) -> None:
    """Tests keep PostgreSQL small; benches are about the one that `atrium up` starts."""
    if isinstance(servers.postgres, Postgres):
        servers.postgres.settings["shared_buffers"] = SETTINGS["shared_buffers"]
        await servers.postgres.restart()


def _cpu_seconds(process: psutil.Process) -> float:
    """Of a process, the children that it has, and those that it had."""
    try:
        own = process.cpu_times()
        children = process.children()
    except psutil.NoSuchProcess:  # it ended meanwhile; its parent has its time
        return 0.0
    return own.user + own.system + own.children_user + own.children_system + sum(map(_cpu_seconds, children))
