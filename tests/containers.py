"""The tests' servers in Docker (`ATRIUM_TEST_SERVERS=containers`)."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import redis.asyncio as redis
from testcontainers.core.container import DockerContainer

from shared.credentials import Credentials
from shared.messaging.permissions import authorization
from tests.servers import Servers, data_folder

POSTGRES, NATS, VALKEY = "postgres:18", "nats:2.12", "valkey/valkey:9"
PATIENCE = 60.0

type Answers = Callable[[], Awaitable[bool]]


class InContainer:
    """One server in a container. Its port on this machine is fixed, so that a restart keeps the address."""

    def __init__(self, container: DockerContainer, answers: Answers) -> None:
        self._container, self._answers = container, answers

    async def create(self) -> None:
        await asyncio.to_thread(self._container.start)
        await self._answering()

    async def remove(self) -> None:
        await asyncio.to_thread(self._container.stop)

    async def start(self) -> None:
        await asyncio.to_thread(self._container.get_wrapped_container().start)
        await self._answering()

    async def stop(self) -> None:
        await asyncio.to_thread(self._container.get_wrapped_container().stop)

    def kill(self) -> None:
        self._container.get_wrapped_container().kill()

    def freeze(self) -> None:
        self._container.get_wrapped_container().pause()

    def thaw(self) -> None:
        self._container.get_wrapped_container().unpause()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def _answering(self) -> None:
        until = time.monotonic() + PATIENCE
        while not await self._answers():
            if time.monotonic() > until:
                raise TimeoutError(f"{self._container.image} did not answer within {PATIENCE:.0f} s")
            await asyncio.sleep(0.1)


@asynccontextmanager
async def container_servers() -> AsyncIterator[Servers]:
    """PostgreSQL, NATS and Valkey in containers, with empty data."""
    with data_folder() as data:
        credentials = Credentials.of(data)
        ports = {image: _free_port() for image in (POSTGRES, NATS, VALKEY)}
        postgres_url = f"postgresql://postgres:{credentials.postgres['postgres']}@127.0.0.1:{ports[POSTGRES]}/atrium"
        redis_url = f"redis://127.0.0.1:{ports[VALKEY]}"
        postgres = InContainer(_postgres(credentials, ports[POSTGRES]), lambda: _postgres_answers(postgres_url))
        nats = InContainer(_nats(credentials, data, ports[NATS]), lambda: _nats_answers(ports[NATS]))
        valkey = InContainer(DockerContainer(VALKEY).with_bind_ports(6379, ports[VALKEY]), lambda: _valkey_answers(redis_url))
        async with AsyncExitStack() as stack:
            for server in (postgres, nats, valkey):
                stack.push_async_callback(server.remove)
                await server.create()
            yield Servers(postgres_url, f"nats://127.0.0.1:{ports[NATS]}", redis_url, credentials, data, postgres, nats, valkey)


def _postgres(credentials: Credentials, port: int) -> DockerContainer:
    container = DockerContainer(POSTGRES).with_bind_ports(5432, port)
    return container.with_envs(POSTGRES_PASSWORD=credentials.postgres["postgres"], POSTGRES_DB="atrium")


def _nats(credentials: Credentials, data: Path, port: int) -> DockerContainer:
    configuration = data / "nats.conf"
    configuration.write_text(
        f'listen: 0.0.0.0:4222\nmax_payload: 8MB\njetstream {{ store_dir: "/data", sync_interval: always }}\n{authorization(credentials)}\n'
    )
    container = DockerContainer(NATS).with_bind_ports(4222, port).with_command("--config /etc/atrium.conf")
    return container.with_copy_into_container(configuration, "/etc/atrium.conf")


async def _postgres_answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


async def _nats_answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    except OSError:
        return False
    greeting = await reader.readline()
    writer.close()
    return greeting.startswith(b"INFO ")


async def _valkey_answers(url: str) -> bool:
    async with redis.from_url(url) as client:
        try:
            return bool(await client.ping())
        except redis.RedisError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
