"""What system tests ask for: the whole product, once for them all."""

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.contracts.principal import Role
from tests.system.house import House, running_house
from tests.system.people import Person


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def house() -> AsyncIterator[House]:
    """Has servers of its own: other tests put stand-ins for services on theirs."""
    async with running_house() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def admin(house: House) -> Person:
    return await house.person(Role.ADMIN)


@pytest_asyncio.fixture(loop_scope="session")
async def agent(house: House) -> Person:
    return await house.person(Role.AGENT)


@pytest_asyncio.fixture(loop_scope="session")
async def owner(house: House) -> Person:
    return await house.person(Role.PRODUCT_OWNER)


@pytest_asyncio.fixture(loop_scope="session")
async def client(house: House) -> Person:
    return await house.person(Role.CLIENT)


@pytest_asyncio.fixture(loop_scope="session")
async def guest(house: House) -> Person:
    return await house.person(Role.GUEST)
