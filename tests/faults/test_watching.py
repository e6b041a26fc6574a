"""`atrium watch`: it comes back by itself, and says in one line why it cannot go on."""

import asyncio
import signal

from tests.faults.gateways import more_gateways
from tests.faults.house import House, eventually
from tests.faults.load import running_load
from tests.faults.watching import Watch, watching

PAUSE = 1.0


async def ended(watch: Watch) -> int:
    await eventually(lambda: watch.process.poll() is not None, "it has ended")
    return watch.process.wait()


async def test_it_comes_back_when_its_gateway_does_and_misses_nothing(house: House) -> None:
    async with more_gateways(house, 1) as (gateway,):
        with watching(house, house.people[1], gateway.url, "--json") as watch:
            await eventually(lambda: watch.count("ready") == 1, "it follows")
            async with running_load(house) as load:
                gateway.process.kill()
                await asyncio.sleep(PAUSE)
                await gateway.process.start()
                await eventually(lambda: watch.count("ready") == 2, "it follows again")
            await eventually(lambda: load.newest.items() <= dict(watch.told).items(), "all is shown")
            for thread in load.threads:
                shown = [place.seq for place in watch.told if place.thread == thread["id"]]
                assert shown == [*range(1, load.newest[thread["id"]] + 1)]
            assert watch.said == ""
            watch.signal(signal.SIGINT)
            assert await ended(watch) == 0
    await load.adds_up()


async def test_it_shows_people_what_happens_in_one_thread(house: House) -> None:
    thread, another = await house.opened_thread(), await house.opened_thread()
    with watching(house, house.people[1], house.url, "--thread", thread["id"], "--type", "messagePosted") as watch:
        await eventually(lambda: "connected" in watch.lines, "it follows")
        await house.people[0].say(another, "Of no concern")
        await house.people[0].say(thread, "The train leaves at nine")
        await eventually(lambda: any("The train leaves at nine" in line for line in watch.lines), "it is shown")
        watch.signal(signal.SIGINT)
        assert await ended(watch) == 0
    assert any("messagePosted" in line for line in watch.lines)
    assert not any("Of no concern" in line for line in watch.lines)


async def test_a_wrong_password_is_one_line(house: House) -> None:
    with watching(house, house.people[1], house.url, password="wrong horse battery staple") as watch:
        assert await ended(watch) == 1
    assert (watch.lines, len(watch.said.splitlines())) == ([], 1)
    assert "credentials_are_wrong" in watch.said


async def test_a_gateway_that_is_not_there_is_one_line(house: House) -> None:
    async with more_gateways(house, 1) as (gateway,):
        pass
    with watching(house, house.people[1], gateway.url) as watch:
        assert await ended(watch) == 1
    assert (watch.lines, len(watch.said.splitlines())) == ([], 1)
    assert "cannot be reached" in watch.said
