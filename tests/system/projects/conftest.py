"""What tests of projects ask for."""

import pytest_asyncio

from tests.system.house import House
from tests.system.projects.team import Team, team_of


@pytest_asyncio.fixture(loop_scope="session")
async def team(house: House) -> Team:
    return await team_of(house)
