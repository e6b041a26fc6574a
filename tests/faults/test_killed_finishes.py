"""kill -9 of attachments while it makes a file of what a client put into the bucket by itself: finished again, it is one file."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
import pytest_asyncio

from shared.store.opening import store_of
from shared.store.settings import StoreSettings
from shared.store.store import Store
from tests.faults.files import shown
from tests.faults.holding import a_change_is_held, a_commit_is_held, commits_unanswered, new_files_held
from tests.faults.house import House, eventually, running_house
from tests.processes import ForkedAtrium
from tests.proxies import Proxy, naming
from tests.stores import S3Server
from tests.system.attachments.files import swept
from tests.system.attachments.test_presigned import CONTENT, begin, objects, put
from tests.system.people import Json, expect, refusal

NAME = "kept"
_TWO_DAYS_PASS = """
    UPDATE attachments.staged SET created_at = created_at - interval '2 days', expires_at = expires_at - interval '2 days',
        sweep_at = sweep_at - interval '2 days';
    UPDATE attachments.uploads SET expires_at = expires_at - interval '2 days'"""


@dataclass(frozen=True)
class Bucket:
    """A house whose attachments service keeps its files in a bucket, to which its way leads through a proxy."""

    house: House
    service: ForkedAtrium
    proxy: Proxy
    store: Store

    async def stopped(self) -> None:
        await eventually(lambda: not self.proxy.flows.is_set(), "nothing gets through any more")
        self.proxy.stop_when = None

    async def keys(self) -> list[str]:
        """That rows name: of files, and of what is to be swept."""
        async with self.house.database() as admin:
            rows = await admin.fetch(
                """SELECT storage_key FROM attachments.attachments UNION ALL
                   SELECT storage_key FROM attachments.uploads UNION ALL SELECT storage_key FROM attachments.staged"""
            )
        return [row["storage_key"] for row in rows]

    async def content(self, file: Json) -> bytes:
        async with self.house.database() as admin:
            key = await admin.fetchval("SELECT storage_key FROM attachments.attachments WHERE id = $1", UUID(file["id"]))
        return b"".join([chunk async for chunk in self.store.read(key)])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def bucket(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bucket]:
    """In a house of its own: what is swept here would stay in another's folder."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(running_house())
        await house.programs["attachments"].stop(within=10)
        s3 = S3Server(tmp_path_factory.mktemp("s3"))
        stack.push_async_callback(s3.stop)
        await s3.start()
        proxy = Proxy(s3.endpoint)
        stack.push_async_callback(proxy.stop)
        await proxy.start()
        where = s3.settings(NAME)
        through = where | {"s3_endpoint": proxy.url, "s3_public_endpoint": s3.endpoint}
        environment = {f"ATRIUM_{name.upper()}": value for name, value in through.items()}
        service = house.process("attachments", name="attachments-over-s3", **environment)
        stack.push_async_callback(service.stop, 10)
        await service.start()
        yield Bucket(house, service, proxy, store_of(StoreSettings.model_validate(where)))


@asynccontextmanager
async def before_it_is_copied(bucket: Bucket) -> AsyncIterator[None]:
    bucket.proxy.stop_when = naming(b"x-amz-copy-source")
    yield
    await bucket.stopped()


@asynccontextmanager
async def before_the_copy_is_compared(bucket: Bucket) -> AsyncIterator[None]:
    bucket.proxy.stop_when = naming(b"GET /%b/files" % NAME.encode())
    yield
    await bucket.stopped()


@asynccontextmanager
async def before_its_row_is_made(bucket: Bucket) -> AsyncIterator[None]:
    async with new_files_held(bucket.house):
        yield
        await a_change_is_held(bucket.house, by="atrium_attachments")
        bucket.service.kill()


@asynccontextmanager
async def before_its_row_is_answered(bucket: Bucket) -> AsyncIterator[None]:
    async with before_the_copy_is_compared(bucket):
        yield
    async with commits_unanswered(bucket.house):
        bucket.proxy.flows.set()
        await a_commit_is_held(bucket.house, "attachments")
        bucket.service.kill()


type Step = Callable[[Bucket], AbstractAsyncContextManager[None]]
UNDONE = [before_it_is_copied, before_the_copy_is_compared, before_its_row_is_made]


async def put_by_a_client(bucket: Bucket, thread: Json) -> str:
    """Where it can be finished."""
    answer = await begin(bucket.house.people[0], thread)
    assert await put(expect(answer, 201)) == 200
    path: str = answer.headers["location"]
    return path


async def killed_while_finishing(bucket: Bucket, thread: Json, step: Step) -> str:
    """Where what was put can be finished. Whoever waited for it is gone."""
    path = await put_by_a_client(bucket, thread)
    async with step(bucket):
        asked = asyncio.create_task(bucket.house.people[0].post(path, {}))
    bucket.service.kill()
    asked.cancel()
    bucket.proxy.flows.set()
    await bucket.service.start()
    return path


async def only_files_are_left(bucket: Bucket, thread: Json, count: int) -> None:
    """When all is over that a killed process may have begun."""
    async with bucket.house.database() as admin:
        await admin.execute(_TWO_DAYS_PASS)
    await swept(bucket.house.servers, bucket.store)
    assert sorted(await bucket.keys()) == sorted(await objects(bucket.store))
    assert len(await shown(bucket.house, thread)) == count


@pytest.mark.parametrize("step", [*UNDONE, before_its_row_is_answered])
async def test_what_was_put_is_finished_again_and_is_one_file(bucket: Bucket, step: Step) -> None:
    thread = await bucket.house.opened_thread()
    path = await killed_while_finishing(bucket, thread, step)
    made = expect(await bucket.house.people[0].post(path, {}), 201)
    assert made["id"] in path
    await only_files_are_left(bucket, thread, 1)
    assert await bucket.content(made) == CONTENT


async def test_who_waits_for_one_that_was_killed_is_told_soon_and_not_when_the_quarter_of_an_hour_that_it_may_take_is_over(
    bucket: Bucket,
) -> None:
    thread = await bucket.house.opened_thread()
    path, person = await put_by_a_client(bucket, thread), bucket.house.people[0]
    async with before_it_is_copied(bucket):
        asked = asyncio.create_task(person.post(path, {}))
    bucket.service.kill()
    answer = await asked
    assert refusal(answer) == (503, "service_is_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    bucket.proxy.flows.set()
    await bucket.service.start()
    expect(await person.post(path, {}), 201)
    await only_files_are_left(bucket, thread, 1)


@pytest.mark.parametrize("step", UNDONE)
async def test_what_was_put_and_is_not_finished_again_leaves_nothing_and_can_be_begun_anew(bucket: Bucket, step: Step) -> None:
    thread = await bucket.house.opened_thread()
    await killed_while_finishing(bucket, thread, step)
    await only_files_are_left(bucket, thread, 0)
    expect(await bucket.house.people[0].post(await put_by_a_client(bucket, thread), {}), 201)
    await only_files_are_left(bucket, thread, 1)
