"""JetStream's store is lost, or put back to an older copy: it is noticed, people go on writing, and a replay mends it."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from shared.credentials import STORING_SERVICES
from shared.embedded import Nats
from shared.messaging.streams import EVENTS
from tests.faults.house import House, eventually
from tests.faults.load import Load, running_load
from tests.faults.reading import all_events


async def test_a_wiped_store_is_noticed_and_a_replay_restores_every_event_under_new_cursors(house: House) -> None:
    async with running_load(house) as load:
        async with no_nats(house) as store:
            shutil.rmtree(store)
        await restored_by_a_replay(house, load)


async def test_an_older_copy_is_noticed_and_a_replay_restores_every_event_under_new_cursors(house: House) -> None:
    async with running_load(house) as load:
        async with no_nats(house) as store:
            copy = store.with_name("copy")
            shutil.copytree(store, copy)
        async with house.jetstream() as js:
            kept = (await js.stream_info(EVENTS)).state.last_seq

        async def has_more() -> bool:
            return await house.highest_cursor() > kept

        await eventually(has_more, "events that the copy lacks")
        async with no_nats(house) as store:
            shutil.rmtree(store)
            copy.rename(store)
        await restored_by_a_replay(house, load)


async def restored_by_a_replay(house: House, load: Load) -> None:
    await eventually(lambda: is_halted(house), "the gateway says that a relay is halted")
    await load.goes_on()
    await eventually(lambda: a_replay_is_advised(house), "the doctor advises a replay for messages")
    highest = await house.highest_cursor()
    exit_code, shown = await house.atrium("replay", "--yes")
    assert exit_code == 0, shown
    await load.goes_on()
    await eventually(house.is_well, "all is well")
    await load.end()
    await load.adds_up()
    assert min([told.cursor for thread in load.threads for told in await all_events(house, thread)]) > highest
    async with house.jetstream() as js:
        stream = (await js.stream_info(EVENTS)).state
    assert stream.messages == sum([(await house.outbox(service))[0] for service in STORING_SERVICES])


async def is_halted(house: House) -> bool:
    """People can go on meanwhile: the gateway is ready."""
    status, said = await house.readiness()
    return status == 200 and "halted" in said["dependencies"]["relay"].get("detail", "")


async def a_replay_is_advised(house: House) -> bool:
    exit_code, shown = await house.atrium("doctor", "--json")
    remedies = {finding["name"]: finding["remedy"] for finding in json.loads(shown)["findings"]}
    return (exit_code, remedies["service messages"]) == (1, "The store of events was lost or put back: run `atrium replay`.")


@asynccontextmanager
async def no_nats(house: House) -> AsyncIterator[Path]:
    """NATS killed, and started again afterwards; the folder of its store."""
    nats = house.programs["NATS"]
    assert isinstance(nats, Nats)
    nats.kill()
    yield nats.data / "jetstream"
    await nats.start()
