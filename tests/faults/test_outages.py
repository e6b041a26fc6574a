"""A server is away for a while: what needs it is refused at once, and all is well again by itself when it is back."""

import asyncio
import time

import httpx2

from tests.faults.house import House, eventually
from tests.faults.load import ACKNOWLEDGED, UNAVAILABLE, running_load
from tests.processes import HOST, free_port
from tests.system.people import messages_of

AT_ONCE, BACK_WITHIN = 1.0, 5.0
"""Seconds."""
NATS_AWAY, POSTGRES_AWAY = 30.0, 3.0
FEW, TOO_MANY = 5, 429


async def test_without_nats_everything_is_refused_at_once_and_all_is_well_within_five_seconds_of_its_return(house: House) -> None:
    async with running_load(house) as load:
        house.programs["NATS"].kill()
        gone = time.monotonic()
        await asyncio.sleep(NATS_AWAY)
        refused = load.since(gone)
        await house.programs["NATS"].start()
        back = time.monotonic()
        await load.goes_on(within=BACK_WITHIN)
        await eventually(house.is_well, "all is well", within=back + BACK_WITHIN - time.monotonic())
    assert len(refused) > NATS_AWAY
    assert {one.status for one in refused} == {UNAVAILABLE}
    assert {one.retry_after for one in refused} == {"1"}
    assert max(one.seconds for one in refused) < AT_ONCE
    await load.adds_up()


async def test_without_postgres_posts_are_refused_and_go_on_within_five_seconds_of_its_return(house: House) -> None:
    async with running_load(house) as load:
        house.programs["PostgreSQL"].kill()
        gone = time.monotonic()
        await asyncio.sleep(POSTGRES_AWAY)
        refused = load.since(gone)
        await house.programs["PostgreSQL"].start()
        back = time.monotonic()
        await load.goes_on(within=BACK_WITHIN)
        await eventually(house.is_well, "all is well", within=back + BACK_WITHIN - time.monotonic())
    assert refused
    assert {(one.status, one.retry_after) for one in refused} == {(UNAVAILABLE, "1")}
    await load.adds_up()


async def test_without_valkey_posts_go_on_and_limits_hold_in_the_process(house: House) -> None:
    port, somebody, thread = free_port(), await house.newcomer(), await house.opened_thread()
    strict = house.process("gateway", name="strict", ATRIUM_PORT=str(port), ATRIUM_MESSAGES_PER_MINUTE=str(FEW))
    await strict.start()
    try:
        async with httpx2.AsyncClient(base_url=f"http://{HOST}:{port}", headers=somebody.bearer) as http, running_load(house) as load:

            async def post() -> int:
                return (await http.post(messages_of(thread), json={"content": "One more"})).status_code

            house.programs["Valkey"].kill()
            gone = time.monotonic()
            assert [await post() for _ in range(FEW + 1)] == [ACKNOWLEDGED] * FEW + [TOO_MANY]
            await load.goes_on()
            assert {one.status for one in load.since(gone)} == {ACKNOWLEDGED}
            await house.programs["Valkey"].start()
            await eventually(house.is_well, "all is well")

            async def is_counted_by_valkey() -> bool:
                return await post() == ACKNOWLEDGED  # it was empty when it came back, and the process refuses for a minute

            await eventually(is_counted_by_valkey, "limits are kept by Valkey")
            assert {one.status for one in load.since(gone)} == {ACKNOWLEDGED}
    finally:
        await strict.stop(within=10)
    await load.adds_up()
