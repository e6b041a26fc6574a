"""Views in Valkey: they save a query, and never decide, nor show what is not so any more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from services.threads.cache import LIFE
from services.threads.main import ThreadsApplication
from services.threads.repository.activity import read
from services.threads.settings import Settings
from shared.contracts.messages.receipts import ThreadRead
from shared.contracts.principal import Principal
from shared.contracts.threads.access import ThreadNotFound
from shared.contracts.threads.threads import Thread
from shared.database.connections import Database
from shared.identifiers import new_id
from shared.valkey import PATIENCE
from shared.version import VERSION
from tests.servers import Servers
from tests.service.threads.conftest import People, Service, sent


@pytest_asyncio.fixture(loop_scope="session")
async def valkey(servers: Servers) -> AsyncIterator[Redis]:
    client = Redis.from_url(servers.redis_url, decode_responses=True)
    yield client
    await client.aclose()


def key(thread: Thread) -> str:
    return f"thread:{VERSION}:{thread.id}"


async def kept(valkey: Redis, thread: Thread, threads: Service, reader: Principal) -> str:
    """What is kept of it, once somebody has read it while Valkey answered in time."""
    async with asyncio.timeout(30):
        while (view := await valkey.get(key(thread))) is None:
            await threads.get(thread, reader)
    return cast(str, view)


async def test_a_view_is_kept_for_ten_minutes_and_shown_again(threads: Service, people: People, valkey: Redis) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    assert await threads.get(thread, people.agent) == thread
    revision, _, view = (await kept(valkey, thread, threads, people.agent)).partition("\n")
    assert LIFE - 60 < await valkey.ttl(key(thread)) <= LIFE == 600, "spec 1: TTL 10 min"
    await valkey.set(key(thread), f"{revision}\n{view.replace('Trip', 'From the cache')}")
    assert (await threads.get(thread, people.client)).title == "From the cache"
    with pytest.raises(ThreadNotFound):
        await threads.get(thread, people.other_client)


async def test_nothing_older_than_the_last_change_is_shown(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent)
    for number in range(5):
        changed = await threads.change(thread, people.agent, title=f"Trip {number}")
        assert await threads.get(thread, people.agent) == changed
        added = await threads.invite(thread, people.agent, people.new(people.client.role))
        assert (await threads.get(thread, people.agent)).participants[-1] == added
        muted = await threads.set(thread, people.agent, added.id, status="muted")
        assert (await threads.get(thread, people.agent)).participants[-1] == muted
        await threads.remove(thread, people.agent, added.id)
        assert (await threads.get(thread, people.agent)).participant_count == 1


async def test_a_view_that_was_kept_late_is_not_shown(threads: Service, people: People, valkey: Redis) -> None:
    thread = await threads.open(people.agent)
    old = await kept(valkey, thread, threads, people.agent)
    await threads.change(thread, people.agent, title="Tour")
    await threads.get(thread, people.agent)
    await valkey.set(key(thread), old)
    assert (await threads.get(thread, people.agent)).title == "Tour"


@pytest.mark.parametrize("junk", ["", "1", "1\n", "1\n{}", "no number\n{}"])
async def test_what_is_no_view_of_ours_is_read_from_the_database(threads: Service, people: People, valkey: Redis, junk: str) -> None:
    thread = await threads.open(people.agent)
    await valkey.set(key(thread), junk)
    assert await threads.get(thread, people.agent) == thread


async def test_archived_threads_are_not_kept(threads: Service, people: People, valkey: Redis) -> None:
    thread = await threads.open(people.agent)
    archived = await threads.archive(thread, people.agent)
    assert await threads.get(thread, people.agent) == archived
    assert await valkey.get(key(thread)) is None


async def test_how_far_somebody_has_read_is_shown_at_once(threads: Service, people: People, background: Database) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.get(thread, people.agent)
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 3, 2)]
    for moment in moments:
        async with background.installation() as connection:
            await read(connection, [has_read(thread.id, user, moment) for user in (people.client.user_id, new_id())])
    shown = await threads.get(thread, people.agent)
    assert [one.last_read_at for one in shown.participants] == [None, max(moments)], "it never goes back"
    assert {one.operation for one in (await threads.history(thread, people.admin)).changes} == {"INSERT"}, "it makes no history"


def has_read(thread_id: UUID, user_id: UUID, at: datetime) -> ThreadRead:
    return ThreadRead(
        entity_id=thread_id,
        version=1,
        thread_id=thread_id,
        user_id=user_id,
        last_read_message_id=new_id(),
        last_read_at=at,
        last_read_seq=1,
    )


async def test_a_removed_participant_is_refused_by_every_process_at_once(threads: Service, people: People, servers: Servers) -> None:
    """Requests go to either of two processes."""
    other = ThreadsApplication(
        Settings(data=servers.data, postgres_url=servers.postgres_url, nats_url=servers.nats_url, redis_url=servers.redis_url)
    )
    await other.start()
    try:
        thread = await threads.open(people.agent)
        for _ in range(10):
            await threads.invite(thread, people.agent, people.client)
            await asyncio.gather(*(threads.get(thread, people.client) for _ in range(8)))
            await threads.remove(thread, people.agent, people.client.user_id)
            for answer in await asyncio.gather(*(threads.get(thread, people.client) for _ in range(8)), return_exceptions=True):
                assert isinstance(answer, ThreadNotFound)
    finally:
        await other.stop()


async def test_all_goes_on_while_valkey_is_away(threads: Service, people: People, servers: Servers) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.get(thread, people.client)
    servers.valkey.freeze()
    try:
        loop = asyncio.get_running_loop()
        started = loop.time()
        assert await threads.get(thread, people.client) == thread
        assert await threads.get(thread, people.client) == thread
        assert loop.time() - started < 2 * PATIENCE + 0.5, "one of them waited for it, and not for long"
        await threads.remove(thread, people.agent, people.client.user_id)
        with pytest.raises(ThreadNotFound):
            await threads.get(thread, people.client)
    finally:
        servers.valkey.thaw()
    assert (await threads.get(thread, people.agent)).participant_count == 1
