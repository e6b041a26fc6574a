"""The store fails at each call: people are told, nothing half done is left, and what can be done again is."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from services.attachments.main import AttachmentsApplication
from services.attachments.repository.ledger import Ledger
from services.attachments.repository.sweeping import Sweeping
from services.attachments.settings import AttachmentsSettings
from services.attachments.sweep import Sweep
from shared.contracts.attachments.attachments import Attachment
from shared.contracts.attachments.presigned import FileIsNotAsAnnounced, PresignedUpload
from shared.contracts.attachments.uploads import ABORT_UPLOADS, AbortUploads, UploadNotFound
from shared.contracts.principal import Principal
from shared.store.store import StoreIsAway
from tests.proxies import Proxy, naming
from tests.servers import Servers
from tests.service.attachments.conftest import Service
from tests.service.attachments.faults import Faulty
from tests.service.attachments.test_presigned import CONTENT, begin, content_of, finish, kept, put, rows, written
from tests.stores import S3Server

pytestmark = pytest.mark.parametrize("where", ["bucket"], indirect=True, scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def faulty(attachments: Service) -> Faulty:
    return Faulty(attachments.store)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broken(attachments: Service, faulty: Faulty, servers: Servers, where: dict[str, str]) -> AsyncIterator[Service]:
    """The same service over the same store, which fails when it is told to."""
    await attachments.application.stop()
    settings = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url} | where
    application = AttachmentsApplication(AttachmentsSettings.model_validate(settings), store=faulty)
    await application.start()
    yield replace(attachments, application=application)
    await application.stop()
    await attachments.application.start()


async def much_later(service: Service, thread: UUID) -> None:
    """A day has passed over the uploads of a thread, and the sweep has been there."""
    for table, column in (("uploads", "expires_at"), ("staged", "created_at"), ("staged", "expires_at"), ("staged", "sweep_at")):
        await service.database.execute(
            f"UPDATE attachments.{table} SET {column} = {column} - interval '2 days' WHERE thread_id = $1 AND {column} > '-infinity'",
            thread,
        )
    await Sweep(Sweeping(service.background), service.store, quarantine_days=30).once()


async def check_that_all_is_whole(service: Service, thread: UUID, files: int, before: set[str]) -> None:
    """Each of so many attachments has its object; there is nothing else, neither in the store nor in the tables."""
    assert await rows(service, thread) == (files, 0, 0)
    keys = {
        row["storage_key"]
        for row in await service.database.fetch("SELECT storage_key FROM attachments.attachments WHERE thread_id = $1", thread)
    }
    assert await kept(service) - before == keys
    assert await Ledger(service.background).unknown(sorted(keys)) == set()


async def begun(service: Service, thread: UUID, caller: Principal) -> PresignedUpload:
    upload = await begin(service, thread, caller)
    assert await put(upload) == 200
    return upload


@pytest.mark.parametrize(("call", "late"), [("size", False), ("copy", False), ("copy", True), ("read", False), ("read", True)])
async def test_finishing_that_the_store_fails_is_done_again(
    call: str, late: bool, broken: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(broken)
    upload = await begun(broken, thread, agent)
    (faulty.late if late else faulty.failing).add(call)
    with pytest.raises(StoreIsAway):
        await finish(broken, thread, agent, upload)
    assert (await rows(broken, thread))[0] == 0
    faulty.mend()
    made = await finish(broken, thread, agent, upload)
    assert await content_of(broken, made) == CONTENT
    await much_later(broken, thread)
    await check_that_all_is_whole(broken, thread, 1, before)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_what_cannot_be_deleted_after_finishing_is_swept(
    late: bool, broken: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(broken)
    upload = await begun(broken, thread, agent)
    (faulty.late if late else faulty.failing).add("delete")
    made = await finish(broken, thread, agent, upload)
    assert isinstance(made, Attachment)
    faulty.mend()
    await much_later(broken, thread)
    await check_that_all_is_whole(broken, thread, 1, before)


async def test_what_is_not_as_announced_goes_even_where_it_cannot_be_deleted_now(
    broken: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(broken)
    upload = await begin(broken, thread, agent)
    await written(broken, upload, b"\0" * len(CONTENT))
    faulty.failing.add("delete")
    with pytest.raises(FileIsNotAsAnnounced):
        await finish(broken, thread, agent, upload)
    faulty.mend()
    with pytest.raises(UploadNotFound):
        await finish(broken, thread, agent, upload)
    await much_later(broken, thread)
    await check_that_all_is_whole(broken, thread, 0, before)


async def test_a_copy_that_comes_late_is_swept(broken: Service, faulty: Faulty, thread: UUID, agent: Principal) -> None:
    """The server goes on copying for somebody whose connection broke."""
    before = await kept(broken)
    upload = await begun(broken, thread, agent)
    faulty.late.add("copy")
    with pytest.raises(StoreIsAway):
        await finish(broken, thread, agent, upload)
    assert len(await kept(broken) - before) == 2
    assert await rows(broken, thread) == (0, 1, 1), "its row is there for as long as it may come"
    await much_later(broken, thread)
    await check_that_all_is_whole(broken, thread, 0, before)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_form_that_cannot_be_given_up_now_is_swept(
    late: bool, broken: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(broken)
    upload = await broken.begin(thread, agent)
    (faulty.late if late else faulty.failing).add("delete")
    await broken.gateway(ABORT_UPLOADS, AbortUploads(upload_ids=[upload.id]), agent)
    faulty.mend()
    with pytest.raises(UploadNotFound):
        await broken.finish(thread, agent, upload)
    await much_later(broken, thread)
    await check_that_all_is_whole(broken, thread, 0, before)


async def test_a_sweep_that_the_store_fails_goes_on_where_it_stopped(
    broken: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(broken)
    uploads = [await begun(broken, thread, agent) for _ in range(3)]
    for upload in uploads:
        await broken.aged("staged", upload.upload_id, "sweep_at", timedelta(hours=2))
    faulty.late.add("delete")
    with pytest.raises(StoreIsAway):
        await Sweep(Sweeping(broken.background), faulty, quarantine_days=30).once()
    assert (await rows(broken, thread))[2] == 3
    await much_later(broken, thread)
    await check_that_all_is_whole(broken, thread, 0, before)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def far(attachments: Service, s3: S3Server, servers: Servers, where: dict[str, str]) -> AsyncIterator[tuple[Service, Proxy]]:
    """The same service, whose way to the bucket leads through a proxy; clients have another."""
    await attachments.application.stop()
    proxy = Proxy(s3.endpoint)
    await proxy.start()
    settings = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url} | where
    outside = {"s3_endpoint": proxy.url, "s3_public_endpoint": s3.endpoint}
    application = AttachmentsApplication(AttachmentsSettings.model_validate(settings | outside))
    await application.start()
    yield replace(attachments, application=application), proxy
    await application.stop()
    await proxy.stop()
    await attachments.application.start()


@pytest.mark.parametrize("words", [b"HEAD /", b"x-amz-copy-source", b"GET /"])
@pytest.mark.parametrize("lost", [False, True], ids=["cut", "lost"])
async def test_finishing_that_is_cut_off_from_the_bucket_is_done_again(
    words: bytes, lost: bool, far: tuple[Service, Proxy], thread: UUID, agent: Principal
) -> None:
    service, proxy = far
    before = await kept(service)
    upload = await begun(service, thread, agent)
    setattr(proxy, "lose_when" if lost else "cut_when", naming(words))
    with pytest.raises(StoreIsAway):
        await finish(service, thread, agent, upload)
    proxy.cut_when = proxy.lose_when = None
    assert (await rows(service, thread))[0] == 0
    made = await finish(service, thread, agent, upload)
    assert await content_of(service, made) == CONTENT
    await much_later(service, thread)
    await check_that_all_is_whole(service, thread, 1, before)
