"""Processes of Atrium, as an operator starts them, over the tests' servers."""

import os
import socket
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import override

import httpx2

from shared.embedded.program import Program
from tests import forks

HOST = "127.0.0.1"

# High, and not 0: the limiter counts every request, as it does where the limit is reached.
RAISED_LIMITS = {f"ATRIUM_{name}_PER_MINUTE": "100000000" for name in ("MESSAGES", "REQUESTS", "ANONYMOUS", "ADDRESS_SIGN_INS", "UPLOADS")}


class AtriumProcess(Program):
    """`atrium run …`. Nothing of the environment's settings gets into it but what is given here."""

    def __init__(self, services: list[str], settings: Mapping[str, str], data: Path, name: str | None = None) -> None:
        self.name = name or ("all" if services == ["all"] else services[0] if len(services) == 1 else "services")
        self.log = data / "logs" / f"{self.name}.log"
        self._services, self._settings, self._port = services, settings, free_port()

    def command(self) -> list[str]:
        return [sys.executable, "-m", "atrium", "run", *self._services]

    @property
    def folder(self) -> Path:
        return Path(__file__).parents[1]

    def environment(self) -> Mapping[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ATRIUM_")}
        return {**ours, **self._settings, "ATRIUM_METRICS_PORT": str(self._port)}

    @property
    def metrics(self) -> str:
        """Where it shows its own."""
        return f"http://{HOST}:{self._port}/metrics"

    @override
    async def answers(self) -> bool:
        """Whether all that it needs is there, as it says on its own port."""
        async with httpx2.AsyncClient() as client:
            try:
                return (await client.get(f"http://{HOST}:{self._port}/readyz")).status_code == 200
            except httpx2.TransportError:
                return False


class ForkedAtrium(AtriumProcess):
    """The same, in milliseconds: it does not import what it runs."""

    @override
    def spawn(self) -> None:
        with self.log.open("ab") as log, open(os.devnull, "rb") as nothing:
            files = [nothing.fileno(), log.fileno(), log.fileno()]
            self._process = forks.Forked(["run", *self._services], self.environment(), files=files)


def free_port() -> int:
    """Another one each time, so that nobody else here gets it before it is used."""
    for port in _candidates:
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


# Below the ports that systems give to outgoing connections: nobody gets one that is not listened at yet, or for a while. Each process
# begins elsewhere, as several test at once.
_FIRST, _PORTS = 10_000, 10_000
_candidates = (_FIRST + place % _PORTS for place in count(os.getpid() * 997))
