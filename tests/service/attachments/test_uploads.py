"""Uploads become attachments, all or none, and once."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from shared.contracts.attachments.uploads import (
    ABORT_UPLOADS,
    BEGIN_UPLOAD,
    AbortUploads,
    BeginUpload,
    FileIsTooLarge,
    UploadNotFound,
)
from shared.contracts.principal import Principal
from shared.contracts.threads.access import ThreadIsArchived, ThreadNotFound
from shared.identifiers import new_id
from tests.service.attachments.conftest import BOTH_STORES, Service

pytestmark = BOTH_STORES


async def uploads_of(attachments: Service, thread: UUID) -> int:
    count: int = await attachments.database.fetchval("SELECT count(*) FROM attachments.uploads WHERE thread_id = $1", thread)
    return count


async def test_an_upload_becomes_an_attachment_with_its_id(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await attachments.begin(thread, agent)
    (made,) = await attachments.finish(thread, agent, upload)
    assert made.id == upload.id
    assert await uploads_of(attachments, thread) == 0
    assert upload.storage_key in await attachments.objects()


async def test_finishing_again_answers_what_was_made(attachments: Service, thread: UUID, agent: Principal) -> None:
    uploads = [await attachments.begin(thread, agent) for _ in range(3)]
    first = await attachments.finish(thread, agent, *uploads)
    assert await attachments.finish(thread, agent, *uploads) == first
    assert len(await attachments.said(agent.user_id)) == 3


async def test_an_attachment_is_measured_once_however_often_it_is_finished(attachments: Service, thread: UUID, agent: Principal) -> None:
    def measured() -> float:
        return REGISTRY.get_sample_value("attachment_upload_size_bytes_count") or 0.0

    before, uploads = measured(), [await attachments.begin(thread, agent) for _ in range(3)]
    for _ in range(3):
        await attachments.finish(thread, agent, *uploads)
    assert measured() == before + 3


async def test_finishing_twice_at_once_makes_each_once(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await attachments.begin(thread, agent)
    made = await asyncio.gather(*(attachments.finish(thread, agent, upload) for _ in range(10)))
    assert all(one == made[0] for one in made)
    assert len(await attachments.said(agent.user_id)) == 1


async def test_where_one_is_not_there_none_is_made(attachments: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    mine, theirs = await attachments.begin(thread, agent), await attachments.begin(thread, client)
    elsewhere, made = await attachments.begin(new_id(), agent), await attachments.begin(thread, agent)
    await attachments.finish(thread, agent, made)
    for other in (theirs, elsewhere, made, mine.model_copy(update={"id": new_id()})):
        with pytest.raises(UploadNotFound):
            await attachments.finish(thread, agent, mine, other)
    assert len((await attachments.listed(thread, agent)).attachments) == 1
    assert len(await attachments.finish(thread, agent, mine)) == 1


async def test_what_ends_at_once_ends_for_each_by_itself(attachments: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    whole = [(who, [await attachments.begin(thread, who) for _ in range(2)]) for who in (agent, client) * 5]
    begun = await attachments.begin(thread, agent)
    broken = asyncio.create_task(attachments.finish(thread, agent, begun, begun.model_copy(update={"id": new_id()})))
    finished = await asyncio.gather(*(attachments.finish(thread, who, *uploads) for who, uploads in whole))
    with pytest.raises(UploadNotFound):
        await broken
    for (who, uploads), files in zip(whole, finished, strict=True):
        assert [(file.id, file.uploaded_by_id) for file in files] == [(upload.id, who.user_id) for upload in uploads]
    assert await uploads_of(attachments, thread) == 1


async def test_what_has_expired_cannot_be_finished(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await attachments.begin(thread, agent)
    await attachments.aged("uploads", upload.id, "expires_at", timedelta(hours=1))
    with pytest.raises(UploadNotFound):
        await attachments.finish(thread, agent, upload)


async def test_what_is_given_up_is_gone_with_its_object(attachments: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    given_up, other = await attachments.begin(thread, agent), await attachments.begin(thread, client)
    await attachments.gateway(ABORT_UPLOADS, AbortUploads(upload_ids=[given_up.id, other.id]), agent)
    left = await attachments.objects()
    assert (given_up.storage_key in left, other.storage_key in left) == (False, True)
    assert await uploads_of(attachments, thread) == 1
    with pytest.raises(UploadNotFound):
        await attachments.finish(thread, agent, given_up)


async def test_what_was_made_is_given_up_by_nobody(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await attachments.begin(thread, agent)
    await attachments.finish(thread, agent, upload)
    await attachments.gateway(ABORT_UPLOADS, AbortUploads(upload_ids=[upload.id]), agent)
    assert upload.storage_key in await attachments.objects()
    assert len((await attachments.listed(thread, agent)).attachments) == 1


async def test_giving_up_while_it_is_finished_leaves_one_of_both(attachments: Service, thread: UUID, agent: Principal) -> None:
    for _ in range(10):
        upload = await attachments.begin(thread, agent)
        finished, _ = await asyncio.gather(
            attachments.finish(thread, agent, upload),
            attachments.gateway(ABORT_UPLOADS, AbortUploads(upload_ids=[upload.id]), agent),
            return_exceptions=True,
        )
        assert isinstance(finished, UploadNotFound) == (upload.storage_key not in await attachments.objects())


async def test_the_right_to_post_is_asked_for_at_both_ends(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await attachments.begin(thread, agent)
    attachments.threads.archived.add(thread)
    with pytest.raises(ThreadIsArchived):
        await attachments.finish(thread, agent, upload)
    attachments.threads.hidden.add((thread, agent.user_id))
    with pytest.raises(ThreadNotFound):
        await attachments.gateway(BEGIN_UPLOAD, BeginUpload(thread_id=thread), agent)


async def test_a_size_over_the_limit_makes_nothing(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await attachments.begin(thread, agent)
    with pytest.raises(FileIsTooLarge):
        await attachments.finish(thread, agent, upload, content=b"x" * (5 * 1024 * 1024 + 1))
    assert (await attachments.listed(thread, agent)).attachments == []


async def test_a_list_is_paged_newest_first(attachments: Service, thread: UUID, agent: Principal) -> None:
    made = await attachments.finish(thread, agent, *[await attachments.begin(thread, agent) for _ in range(5)])
    made += [await attachments.upload(thread, agent) for _ in range(2)]
    listed, cursor, pages = [], None, 0
    while True:
        page = await attachments.listed(thread, agent, limit=2, cursor=cursor)
        listed += page.attachments
        cursor, pages = page.next_cursor, pages + 1
        if not page.has_more:
            break
    assert (pages, cursor) == (4, None)
    assert listed == sorted(made, key=lambda file: (file.created_at, file.id), reverse=True)


async def test_what_a_scan_found_is_told_to_those_who_inspect(
    attachments: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    file = await attachments.upload(thread, client)
    await attachments.database.execute(
        "UPDATE attachments.attachments SET scan_result = 'Eicar', message_id = $2, claimed_at = now(), posted_at = now() WHERE id = $1",
        file.id,
        new_id(),
    )
    assert [one.scan_result for one in (await attachments.listed(thread, agent)).attachments] == ["Eicar"]
    assert [one.scan_result for one in (await attachments.listed(thread, client)).attachments] == [None]
