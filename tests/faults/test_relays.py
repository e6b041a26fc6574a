"""The relay is killed or frozen between an event's publication and its mark: nothing is told twice."""

import asyncio

from tests.faults.holding import marks_given_up, marks_held
from tests.faults.house import DUPLICATE_WINDOW, House
from tests.faults.load import running_load


async def test_a_relay_killed_between_publication_and_mark_has_no_second_effect(house: House) -> None:
    async with running_load(house) as load:
        async with marks_held(house):
            house.programs["messages"].kill()
            await marks_given_up(house)
            assert (await house.outbox("messages"))[1] > 0
            await asyncio.sleep(DUPLICATE_WINDOW)
        await house.programs["messages"].start()
        await load.goes_on()
    await load.adds_up()


async def test_a_relay_frozen_past_the_duplicate_window_has_no_second_effect_when_it_thaws(house: House) -> None:
    frozen, replica = house.programs["messages"], house.process("messages", name="replica")
    async with running_load(house) as load:
        await replica.start()
        try:
            async with marks_held(house):
                frozen.freeze()
                await marks_given_up(house)
                await asyncio.sleep(DUPLICATE_WINDOW)
            await house.publishes()
            frozen.thaw()
            await load.goes_on()
        finally:
            frozen.thaw()
            await replica.stop(within=10)
        await load.goes_on()
    await load.adds_up()
