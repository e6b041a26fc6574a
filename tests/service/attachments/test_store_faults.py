"""The store fails at each call: people are told, nothing half done is left, and what can be done again is."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from services.attachments.arrivals import AT_ONCE
from services.attachments.repository.sweeping import Sweeping
from services.attachments.sweep import Sweep
from shared.contracts.attachments.attachments import Attachment
from shared.contracts.attachments.presigned import FileIsNotAsAnnounced
from shared.contracts.attachments.uploads import ABORT_UPLOADS, AbortUploads, UploadNotFound
from shared.contracts.principal import Principal
from shared.store.opening import store_of
from shared.store.settings import StoreSettings
from shared.store.store import StoreIsAway
from tests.service.attachments.conftest import Service
from tests.service.attachments.faults import Faulty
from tests.service.attachments.presigned import (
    CONTENT,
    begin,
    begun,
    check_that_all_is_whole,
    content_of,
    finish,
    kept,
    much_later,
    rows,
    staged_key,
    written,
)
from tests.service.attachments.scanning import until

pytestmark = pytest.mark.parametrize("where", ["bucket"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def kept_in(where: dict[str, str]) -> Faulty:
    return Faulty(store_of(StoreSettings.model_validate(where)))


@pytest.mark.parametrize(("call", "late"), [("size", False), ("copy", False), ("copy", True), ("read", False), ("read", True)])
async def test_finishing_that_the_store_fails_is_done_again(
    call: str, late: bool, attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(attachments)
    upload = await begun(attachments, thread, agent)
    (faulty.late if late else faulty.failing).add(call)
    with pytest.raises(StoreIsAway):
        await finish(attachments, thread, agent, upload)
    assert (await rows(attachments, thread))[0] == 0
    faulty.mend()
    made = await finish(attachments, thread, agent, upload)
    assert await content_of(attachments, made) == CONTENT
    await much_later(attachments, thread)
    await check_that_all_is_whole(attachments, thread, 1, before)


async def test_one_user_s_many_leave_places_for_another_s(
    attachments: Service, faulty: Faulty, thread: UUID, agent: Principal, client: Principal
) -> None:
    many, another = [await begun(attachments, thread, agent) for _ in range(AT_ONCE + 1)], await begun(attachments, thread, client)
    faulty.delayed = {await staged_key(attachments, upload) for upload in many}
    asked = [asyncio.create_task(finish(attachments, thread, agent, upload)) for upload in many]

    async def all_are_under_way() -> bool:
        return (await rows(attachments, thread))[1] == len(many) and faulty.calls["copy"] > 1

    await until(all_are_under_way)
    assert await content_of(attachments, await finish(attachments, thread, client, another)) == CONTENT
    assert not any(finishing.done() for finishing in asked)
    faulty.mend()
    for made in await asyncio.gather(*asked):
        assert await content_of(attachments, made) == CONTENT


async def test_many_who_finish_one_upload_at_once_have_its_object_copied_and_read_once(
    attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    upload = await begun(attachments, thread, agent)
    made = await asyncio.gather(*(finish(attachments, thread, agent, upload) for _ in range(20)))
    assert made == [made[0]] * 20
    assert (faulty.calls["copy"], faulty.calls["read"]) == (1, 1)
    assert await rows(attachments, thread) == (1, 0, 1)


async def test_whoever_waited_for_one_that_fails_finishes_it(attachments: Service, faulty: Faulty, thread: UUID, agent: Principal) -> None:
    before = await kept(attachments)
    upload = await begun(attachments, thread, agent)
    faulty.once.add("read")
    answers = await asyncio.gather(*(finish(attachments, thread, agent, upload) for _ in range(5)), return_exceptions=True)
    made = [answer for answer in answers if isinstance(answer, Attachment)]
    assert made == [made[0]] * 4
    assert [type(answer) for answer in answers if answer not in made] == [StoreIsAway]
    assert (faulty.calls["copy"], faulty.calls["read"]) == (2, 2)
    await much_later(attachments, thread)
    await check_that_all_is_whole(attachments, thread, 1, before)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_what_cannot_be_deleted_after_finishing_is_swept(
    late: bool, attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(attachments)
    upload = await begun(attachments, thread, agent)
    (faulty.late if late else faulty.failing).add("delete")
    made = await finish(attachments, thread, agent, upload)
    assert isinstance(made, Attachment)
    faulty.mend()
    await much_later(attachments, thread)
    await check_that_all_is_whole(attachments, thread, 1, before)


async def test_what_is_not_as_announced_goes_even_where_it_cannot_be_deleted_now(
    attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(attachments)
    upload = await begin(attachments, thread, agent)
    await written(attachments, upload, b"\0" * len(CONTENT))
    faulty.failing.add("delete")
    with pytest.raises(FileIsNotAsAnnounced):
        await finish(attachments, thread, agent, upload)
    faulty.mend()
    with pytest.raises(UploadNotFound):
        await finish(attachments, thread, agent, upload)
    await much_later(attachments, thread)
    await check_that_all_is_whole(attachments, thread, 0, before)


async def test_a_copy_that_comes_late_is_swept(attachments: Service, faulty: Faulty, thread: UUID, agent: Principal) -> None:
    """The server goes on copying for somebody whose connection broke."""
    before = await kept(attachments)
    upload = await begun(attachments, thread, agent)
    faulty.late.add("copy")
    with pytest.raises(StoreIsAway):
        await finish(attachments, thread, agent, upload)
    assert len(await kept(attachments) - before) == 2
    assert await rows(attachments, thread) == (0, 1, 1), "its row is there for as long as it may come"
    await much_later(attachments, thread)
    await check_that_all_is_whole(attachments, thread, 0, before)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_form_that_cannot_be_given_up_now_is_swept(
    late: bool, attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(attachments)
    upload = await attachments.begin(thread, agent)
    (faulty.late if late else faulty.failing).add("delete")
    await attachments.gateway(ABORT_UPLOADS, AbortUploads(upload_ids=[upload.id]), agent)
    faulty.mend()
    with pytest.raises(UploadNotFound):
        await attachments.finish(thread, agent, upload)
    await much_later(attachments, thread)
    await check_that_all_is_whole(attachments, thread, 0, before)


async def test_a_sweep_that_the_store_fails_goes_on_where_it_stopped(
    attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    before = await kept(attachments)
    uploads = [await begun(attachments, thread, agent) for _ in range(3)]
    for upload in uploads:
        await attachments.aged("staged", upload.upload_id, "sweep_at", timedelta(hours=2))
    faulty.late.add("delete")
    with pytest.raises(StoreIsAway):
        await Sweep(Sweeping(attachments.background), faulty, quarantine_days=30).once()
    assert (await rows(attachments, thread))[2] == 3
    await much_later(attachments, thread)
    await check_that_all_is_whole(attachments, thread, 0, before)
