"""A stage for each test of the outbox."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.servers import Servers
from tests.service.outbox.stage import Stage, staged


@pytest_asyncio.fixture
async def stage(servers: Servers) -> AsyncIterator[Stage]:
    async with staged(servers) as made:
        yield made
