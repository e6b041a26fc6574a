"""What every test may ask for: the real servers, once for a worker's whole run."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.servers import Servers, running_servers


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[Servers]:
    """PostgreSQL with all schemas, NATS and Valkey. A test that stops one starts it again."""
    async with running_servers() as running:
        yield running
