"""A gateway whose hub tells everybody everything."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.unit.gateway.neighbours import Running, running_gateway
from tests.unit.gateway.realtime.telling import Telling

ORIGIN = "https://app.example.org"


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def hub() -> Telling:
    return Telling()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared(hub: Telling) -> AsyncIterator[Running]:
    async with running_gateway(hub=hub, cors_origins=ORIGIN, messages_per_minute=0) as running:
        running.gateway.live.patience = 0.5
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def running(shared: Running) -> Running:
    shared.neighbours.restore()
    return shared
