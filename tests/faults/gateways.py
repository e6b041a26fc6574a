"""Gateways beside the one of the house, which tests kill and freeze."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx2
import psutil

from services.gateway.main import GatewayApplication
from services.gateway.settings import GatewaySettings
from tests.faults.house import House
from tests.processes import HOST, ForkedAtrium, free_port


class Another(NamedTuple):
    """A gateway in a process of its own, at an address that it keeps."""

    process: ForkedAtrium
    url: str

    @property
    def memory(self) -> int:
        return int(psutil.Process(self.process.process.pid).memory_info().rss)

    async def closed_with(self, code: int) -> int:
        """How many live connections ended so, by its own count."""
        async with httpx2.AsyncClient() as http:
            shown = (await http.get(self.process.metrics)).text
        counts = re.findall(rf'^atrium_realtime_closes_total{{.*code="{code}".*}} ([0-9.]+)', shown, re.MULTILINE)
        return int(sum(map(float, counts)))


@asynccontextmanager
async def more_gateways(house: House, count: int, **settings: str) -> AsyncIterator[list[Another]]:
    """They run; at the end they are gone, whatever was done to them. settings: theirs alone."""
    made = []
    for number in range(count):
        port = free_port()
        told = {"ATRIUM_CONNECTIONS_PER_USER": "0", "ATRIUM_PORT": str(port)} | settings
        process = house.process("gateway", name=f"gateway-{number + 2}", **told)
        made.append(Another(process, f"http://{HOST}:{port}"))
    try:
        await asyncio.gather(*(one.process.start() for one in made))
        yield made
    finally:
        for one in made:
            one.process.kill()


@asynccontextmanager
async def forgetful_gateway(house: House, ring_bytes: int = 50_000) -> AsyncIterator[str]:
    """The address of one with memory for hardly any events: who comes back is told them from the stream."""
    servers = house.servers
    where = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url, "redis_url": servers.redis_url}
    plenty = dict.fromkeys(("messages_per_minute", "requests_per_minute", "anonymous_per_minute", "connections_per_user"), 0)
    gateway = GatewayApplication(GatewaySettings.model_validate({**where, **plenty, "port": free_port()}), ring_bytes=ring_bytes)
    await gateway.start()
    try:
        yield gateway.url
    finally:
        await gateway.stop()
