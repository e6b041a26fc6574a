"""Clients that lose their connections over and over, in every way there is, while people write: each is told everything, once, in order."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle, islice

import httpx2
import pytest

from tests.faults.following import Follower, all_is_told, following, is_whole
from tests.faults.gateways import Another, more_gateways
from tests.faults.house import ANSWER_WITHIN, House, eventually
from tests.faults.load import running_load
from tests.faults.watching import Watch, watching
from tests.proxies import Proxy
from tests.system.people import Person

RECONNECTS = 500
FOLLOWERS, WRITERS, THREADS = 24, 20, 3
WRITES_EVERY, DROPS_EVERY = 0.3, 0.05
"""Seconds."""
ASLEEP, FROZEN = 3.0, 1.5
PROBLEMS_EVERY = 1.0
LONGEST = 200.0


@pytest.mark.timeout(300)
async def test_five_hundred_forced_reconnects_leave_no_gap_and_no_double(house: House) -> None:
    async with more_gateways(house, 2) as gateways, proxied(gateways) as proxies, writing_through(house, gateways) as writers:
        addresses = [*(one.url for one in gateways), *(proxy.url for proxy in proxies)]
        people = list(islice(cycle(house.people), FOLLOWERS))
        with (
            watching(house, house.people[1], proxies[0].url, "--json") as one,
            watching(house, house.people[2], proxies[1].url, "--json") as two,
        ):
            async with following(people, addresses) as followers:
                await eventually(lambda: bool(one.count("ready") and two.count("ready")), "both watch")
                async with running_load(house, WRITERS, THREADS, writers, WRITES_EVERY) as load:
                    await storm(house, gateways, proxies, followers, [one, two])
                newest = load.newest
                await all_is_told(followers, newest)
                await eventually(lambda: all(have_come(watch, newest) for watch in (one, two)), "all is shown")
                for watch in (one, two):
                    is_whole(watch.told, newest)
                    assert watch.count("reset") == 0
                    assert watch.count("ready") > 3
    await load.adds_up()


async def storm(
    house: House, gateways: Sequence[Another], proxies: Sequence[Proxy], followers: Sequence[Follower], sleepers: Sequence[Watch]
) -> None:
    """Until all have come back so often, and everything has happened at least once."""
    happens = problems(house, gateways, proxies, sleepers)
    dropping = asyncio.create_task(drop(followers))
    try:
        async with asyncio.timeout(LONGEST):
            for problem in happens:
                await problem()
                await asyncio.sleep(PROBLEMS_EVERY)
            await eventually(lambda: returns(followers) >= RECONNECTS, f"{RECONNECTS} have come back", LONGEST)
    finally:
        dropping.cancel()
        await asyncio.gather(dropping, return_exceptions=True)


def problems(
    house: House, gateways: Sequence[Another], proxies: Sequence[Proxy], sleepers: Sequence[Watch]
) -> list[Callable[[], Awaitable[None]]]:
    first, second = gateways

    async def kill(program: Another) -> None:
        program.process.kill()
        await program.process.start()

    async def kill_nats() -> None:
        house.programs["NATS"].kill()
        await house.programs["NATS"].start()

    async def freeze(gateway: Another) -> None:
        gateway.process.freeze()
        await asyncio.sleep(FROZEN)
        gateway.process.thaw()

    async def cut(proxy: Proxy) -> None:
        proxy.cut()

    async def stall(proxy: Proxy) -> None:
        proxy.flows.clear()
        await asyncio.sleep(FROZEN)
        proxy.cut()
        proxy.flows.set()

    async def sleep(sleeper: Watch, proxy: Proxy) -> None:
        """A laptop's lid is closed for a while, and its connection is gone when it opens."""
        sleeper.signal(signal.SIGSTOP)
        await asyncio.sleep(ASLEEP)
        proxy.cut()
        sleeper.signal(signal.SIGCONT)

    return [
        lambda: cut(proxies[0]),
        lambda: sleep(sleepers[0], proxies[0]),
        lambda: kill(first),
        lambda: stall(proxies[1]),
        kill_nats,
        lambda: freeze(second),
        lambda: sleep(sleepers[1], proxies[1]),
        lambda: kill(second),
        lambda: stall(proxies[0]),
        lambda: cut(proxies[1]),
        kill_nats,
        lambda: kill(first),
    ]


async def drop(followers: Sequence[Follower]) -> None:
    while True:
        random.choice(followers).drop()
        await asyncio.sleep(DROPS_EVERY)


def returns(followers: Sequence[Follower]) -> int:
    return sum(follower.returns - 1 for follower in followers)


def have_come(watch: Watch, newest: dict[str, int]) -> bool:
    return newest.items() <= dict(watch.told).items()


@asynccontextmanager
async def proxied(gateways: Sequence[Another]) -> AsyncIterator[list[Proxy]]:
    """A network before each of these."""
    proxies = [Proxy(gateway.url) for gateway in gateways]
    for proxy in proxies:
        await proxy.start()
    try:
        yield proxies
    finally:
        for proxy in proxies:
            await proxy.stop()


@asynccontextmanager
async def writing_through(house: House, gateways: Sequence[Another]) -> AsyncIterator[list[Person]]:
    """Everybody at each of these gateways."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(httpx2.AsyncClient(base_url=gateway.url, timeout=ANSWER_WITHIN)) for gateway in gateways]
        yield [Person(http, signed_in_of(person)) for person in house.people for http in clients]


def signed_in_of(person: Person) -> dict[str, object]:
    return {"user": person.user, "accessToken": person.access_token, "refreshToken": person.refresh_token}
