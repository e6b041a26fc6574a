"""A gateway with everybody it needs, and no Valkey: limits are counted in the process."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.unit.gateway.neighbours import Running, running_gateway


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_gateway() -> AsyncIterator[Running]:
    async with running_gateway() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def running(shared_gateway: Running) -> Running:
    """The one gateway of the run, with its neighbours as at first."""
    shared_gateway.neighbours.restore()
    return shared_gateway
