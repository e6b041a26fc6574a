"""What the tests of faults share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.faults.house import House, running_house


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_house() -> AsyncIterator[House]:
    async with running_house() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def house(shared_house: House) -> AsyncIterator[House]:
    """An Atrium in which all is well. A test may kill what it likes: what does not run at its end is started for the next one."""
    yield shared_house
    await shared_house.mend()
