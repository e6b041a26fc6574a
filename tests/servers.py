"""The real servers that the tests run against, from one place with two sources.

By default they are the embedded ones; `ATRIUM_TEST_SERVERS=containers` takes them from Docker. Every pytest worker has a set of its
own: faults that one worker makes must not reach another, and a set costs a second and 60 MB.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.credentials import OPERATOR, Credentials
from shared.database.migrations import migrate
from shared.embedded import Nats, Postgres, Valkey, socket_folder
from shared.embedded.account import postgres_account
from shared.messaging.connection import close, connect
from shared.messaging.permissions import authorization
from shared.messaging.streams import declare_events
from shared.settings import Settings

SOURCE = "ATRIUM_TEST_SERVERS"
SMALL = {"shared_buffers": "64MB"}
# Nobody cuts a test's power, which is all that fsync is for: what PostgreSQL has written outlives its own end.
QUICK = {**SMALL, "fsync": "off"}


class Server(Protocol):
    """What a test can do to a server; it keeps its address and its data."""

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """End it in order."""

    def kill(self) -> None:
        """End it as kill -9 does."""

    def freeze(self) -> None:
        """Let it hang, with its connections open."""

    def thaw(self) -> None: ...

    async def restart(self) -> None: ...


@dataclass(frozen=True)
class Servers:
    """A set of servers with all schemas. `postgres_url` is the admin's."""

    postgres_url: str
    nats_url: str
    redis_url: str
    credentials: Credentials
    data: Path
    postgres: Server
    nats: Server
    valkey: Server

    @property
    def environment(self) -> dict[str, str]:
        """The settings by which a process of Atrium finds them."""
        return {
            "ATRIUM_DATA": str(self.data),
            "ATRIUM_POSTGRES_URL": self.postgres_url,
            "ATRIUM_NATS_URL": self.nats_url,
            "ATRIUM_REDIS_URL": self.redis_url,
        }


@asynccontextmanager
async def running_servers(settings: Mapping[str, str] = QUICK) -> AsyncIterator[Servers]:
    """A fresh set, with schemas and the stream of events; gone afterwards. settings: those of an embedded PostgreSQL."""
    if os.environ.get(SOURCE) == "containers":
        from tests.containers import container_servers

        async with container_servers() as servers:
            await migrate(servers.postgres_url, servers.credentials, lambda line: None)
            await declare(servers, Settings())
            yield servers
    else:
        async with embedded_servers(settings) as servers:
            await declare(servers, Settings())
            yield servers


async def declare(servers: Servers, settings: Settings) -> None:
    """Give them the stream of events."""
    client = await connect(servers.nats_url, OPERATOR, servers.credentials.nats[OPERATOR], name="tests")
    await declare_events(client.jetstream(), settings)
    await close(client)


@contextmanager
def data_folder() -> Iterator[Path]:
    """An empty data folder, short and open to PostgreSQL's user (pytest's own are neither), gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="atrium-test-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def embedded_servers(settings: Mapping[str, str] = QUICK) -> AsyncIterator[Servers]:
    """PostgreSQL with all schemas, NATS and Valkey from wheels, with empty data."""
    with data_folder() as data:
        await asyncio.to_thread(copy_of, await _template(), data)
        credentials = Credentials.of(data)
        sockets = socket_folder(data, postgres_account())
        postgres = Postgres(data, sockets, credentials.postgres["postgres"], settings)
        nats = Nats(data, authorization(credentials))
        valkey = Valkey(data, sockets)
        async with AsyncExitStack() as stack:
            stack.callback(shutil.rmtree, sockets, ignore_errors=True)
            for server in (postgres, nats, valkey):
                stack.push_async_callback(server.stop)
                await server.start()
            yield Servers(postgres.admin_url, nats.url, valkey.url, credentials, data, postgres, nats, valkey)


async def _template() -> Path:
    """The passwords, and PostgreSQL's data when all schemas are made: that takes seconds, and happens once for a worker."""
    if not TEMPLATES:
        folder = Path(tempfile.mkdtemp(prefix="atrium-test-", dir="/tmp"))
        TEMPLATES.append(folder)
        folder.chmod(0o711)
        credentials, sockets = Credentials.of(folder), socket_folder(folder, postgres_account())
        postgres = Postgres(folder, sockets, credentials.postgres["postgres"], QUICK)
        try:
            await postgres.start()
            await migrate(postgres.admin_url, credentials, lambda line: None)
        finally:
            await postgres.stop(within=30)
            shutil.rmtree(sockets, ignore_errors=True)
        (folder / "made").touch()
    return TEMPLATES[0]


TEMPLATES: list[Path] = []
"""What was made once, until this process ends."""


def copy_of(template: Path, data: Path) -> None:
    assert (template / "made").exists(), "its schemas could not be made"
    subprocess.run(["cp", "-a", template / "postgres", template / "credentials.json", data], check=True)
