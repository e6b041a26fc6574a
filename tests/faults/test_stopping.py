"""SIGTERM, while people write: what was accepted is answered."""

import asyncio

from shared.credentials import STORING_SERVICES
from shared.embedded import Program
from tests.faults.house import House
from tests.faults.load import ACKNOWLEDGED, UNAVAILABLE, running_load

STOPS_WITHIN = 10


async def test_no_request_goes_unanswered_while_the_services_stop(house: House) -> None:
    processes = [house.programs[name] for name in STORING_SERVICES]
    async with running_load(house) as load:
        for process in processes:
            await stopped(process)
        await asyncio.gather(*(process.start() for process in processes))
        await load.goes_on()
    assert {one.status for one in load.attempts} == {ACKNOWLEDGED, UNAVAILABLE}
    await load.adds_up()


async def test_a_rolling_restart_is_not_noticed(house: House) -> None:
    all_in_one = house.process(*STORING_SERVICES, name="services")
    processes = [house.programs[name] for name in STORING_SERVICES]
    async with running_load(house) as load:
        await all_in_one.start()
        try:
            for process in processes:
                await stopped(process)
            await load.goes_on()
            await asyncio.gather(*(process.start() for process in processes))
        finally:
            await stopped(all_in_one)
        await load.goes_on()
    assert {one.status for one in load.attempts} == {ACKNOWLEDGED}
    await load.adds_up()


async def test_a_gateway_that_stops_loses_nothing(house: House) -> None:
    async with running_load(house) as load:
        await stopped(house.programs["gateway"])
        await house.programs["gateway"].start()
        await load.goes_on()
    await load.adds_up()


async def stopped(process: Program) -> None:
    """SIGTERM ends it in order."""
    await process.stop(within=STOPS_WITHIN)
    assert process.process.returncode == 0
