"""kill -9, while people write."""

import pytest

from tests.faults.house import House
from tests.faults.load import running_load


@pytest.mark.parametrize("name", ["gateway", "threads", "messages", "PostgreSQL", "NATS", "Valkey"])
async def test_whatever_is_killed_nothing_acknowledged_is_lost_and_all_goes_on(house: House, name: str) -> None:
    async with running_load(house) as load:
        house.programs[name].kill()
        await house.programs[name].start()
        await load.goes_on()
    await load.adds_up()
