"""Files that clients put into the bucket by themselves: what is kept is what was announced, and nobody can change it afterwards."""

import asyncio
import hashlib
from datetime import timedelta
from uuid import UUID

import pytest

from services.attachments.repository.ledger import Ledger
from services.attachments.repository.sweeping import Sweeping
from services.attachments.sweep import Sweep
from shared.contracts.attachments.attachments import DELETE_ATTACHMENT, Attachment, DeleteAttachment
from shared.contracts.attachments.presigned import (
    BEGIN_PRESIGNED_UPLOAD,
    BeginPresignedUpload,
    BytesHaveNotCome,
    FileIsNotAsAnnounced,
)
from shared.contracts.attachments.uploads import BEGIN_UPLOAD, BeginUpload, FileIsTooLarge, UploadKind, UploadNotFound
from shared.contracts.principal import Principal
from shared.contracts.threads.access import ThreadIsArchived, ThreadNotFound
from shared.identifiers import new_id
from tests.service.attachments.conftest import Service
from tests.service.attachments.presigned import CONTENT, begin, content_of, finish, kept, put, rows, staged_key, written

pytestmark = pytest.mark.parametrize("where", ["bucket"], indirect=True, scope="module")

AN_HOUR, A_DAY = timedelta(minutes=62), timedelta(days=1)


async def swept(attachments: Service, *upload_ids: UUID, after: timedelta) -> None:
    """As if so much time had passed."""
    for upload_id in upload_ids:
        for column in ("created_at", "expires_at", "sweep_at"):
            await attachments.aged("staged", upload_id, column, after)
    await Sweep(Sweeping(attachments.background), attachments.store, quarantine_days=30).once()


async def test_what_was_put_becomes_an_attachment(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    assert (upload.method, await put(upload)) == ("PUT", 200)
    made = await finish(attachments, thread, agent, upload)
    assert (made.id, made.filename, made.mime_type) == (upload.upload_id, "trip.bin", "application/pdf")
    assert (made.size, made.sha256, made.scan_status) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "pending")
    assert await content_of(attachments, made) == CONTENT
    assert [name for name, _ in await attachments.said(agent.user_id)] == ["own_attachment_changed"]
    assert await kept(attachments) == {(await attachments.row(made))["storage_key"]}
    assert await rows(attachments, thread) == (1, 0, 1)


async def test_the_store_takes_nothing_else_at_that_address(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload, before = await begin(attachments, thread, agent), await kept(attachments)
    assert await put(upload, CONTENT[:-1] + b"\0") == 400
    longer = upload.model_copy(update={"headers": upload.headers | {"content-length": str(len(CONTENT) + 1)}})
    assert await put(longer, CONTENT + b"\0") == 403
    assert await put(upload.model_copy(update={"headers": {}})) == 403
    assert await kept(attachments) == before
    with pytest.raises(BytesHaveNotCome):
        await finish(attachments, thread, agent, upload)
    assert await put(upload) == 200
    await finish(attachments, thread, agent, upload)


@pytest.mark.parametrize(
    ("wrong", "fields"), [(CONTENT[:-1] + b"\0", ["sha256"]), (CONTENT + b"\0", ["size"]), (b"", ["size"])], ids=["bytes", "more", "none"]
)
async def test_what_is_not_as_announced_is_refused_and_leaves_nothing(
    wrong: bytes, fields: list[str], attachments: Service, thread: UUID, agent: Principal
) -> None:
    upload, before = await begin(attachments, thread, agent), await kept(attachments)
    await written(attachments, upload, wrong)
    with pytest.raises(FileIsNotAsAnnounced) as refused:
        await finish(attachments, thread, agent, upload)
    assert [error.field for error in refused.value.errors] == fields
    assert await kept(attachments) == before
    with pytest.raises(UploadNotFound):
        await finish(attachments, thread, agent, upload)
    assert await rows(attachments, thread) == (0, 0, 1)
    await swept(attachments, upload.upload_id, after=A_DAY)
    assert await rows(attachments, thread) == (0, 0, 0)


async def test_what_is_put_after_finishing_changes_nothing_and_is_swept_away(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    await put(upload)
    made = await finish(attachments, thread, agent, upload)
    assert await put(upload) == 200, "the address is not dead yet"
    await written(attachments, upload, b"something else")
    assert await finish(attachments, thread, agent, upload) == made
    assert await content_of(attachments, made) == CONTENT
    await swept(attachments, upload.upload_id, after=AN_HOUR)
    assert await content_of(attachments, made) == CONTENT
    assert (await attachments.row(made))["storage_key"] in await kept(attachments)
    assert await staged_key(attachments, upload) not in await kept(attachments)


async def test_finishing_again_and_at_once_is_one_attachment(attachments: Service, thread: UUID, agent: Principal) -> None:
    before = await kept(attachments)
    for _ in range(3):
        upload = await begin(attachments, thread, agent)
        await put(upload)
        answers = await asyncio.gather(*(finish(attachments, thread, agent, upload) for _ in range(8)))
        assert all(answer == answers[0] for answer in answers)
        assert await finish(attachments, thread, agent, upload) == answers[0]
    assert await rows(attachments, thread) == (3, 0, 3)
    assert len(await kept(attachments) - before) == 3
    assert len(await attachments.said(agent.user_id)) == 3


async def test_bytes_that_are_exchanged_while_it_is_finished_are_not_kept(attachments: Service, thread: UUID, agent: Principal) -> None:
    for _ in range(5):
        upload = await begin(attachments, thread, agent)
        await put(upload)
        finished, *_ = await asyncio.gather(
            finish(attachments, thread, agent, upload),
            *(written(attachments, upload, b"\0" * len(CONTENT)) for _ in range(3)),
            finish(attachments, thread, agent, upload),
            return_exceptions=True,
        )
        if isinstance(finished, Attachment):
            assert await content_of(attachments, finished) == CONTENT
            assert await finish(attachments, thread, agent, upload) == finished
        else:
            assert isinstance(finished, FileIsNotAsAnnounced | UploadNotFound | BytesHaveNotCome)


async def test_a_try_that_was_killed_is_finished_by_the_next(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    await put(upload)
    begun = BeginUpload(thread_id=thread, kind=UploadKind.PRESIGNED)
    copy = await attachments.gateway(BEGIN_UPLOAD, begun, agent)  # as far as a try gets before it is killed
    await attachments.store.copy(await staged_key(attachments, upload), copy.storage_key)
    made = await finish(attachments, thread, agent, upload)
    assert copy.storage_key in await kept(attachments)
    await attachments.aged("uploads", copy.id, "expires_at", AN_HOUR)
    await swept(attachments, upload.upload_id, after=A_DAY)
    assert copy.storage_key not in await kept(attachments)
    assert await rows(attachments, thread) == (1, 0, 0)
    assert await finish(attachments, thread, agent, upload) == made


async def test_a_file_of_no_bytes_is_a_file(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent, b"")
    await put(upload, b"")
    made = await finish(attachments, thread, agent, upload)
    assert (made.size, await content_of(attachments, made)) == (0, b"")


async def test_a_size_over_the_limit_gets_no_address(attachments: Service, thread: UUID, agent: Principal) -> None:
    request = BeginPresignedUpload(thread_id=thread, filename="a", size=5 * 1024 * 1024 + 1, sha256="0" * 64)
    with pytest.raises(FileIsTooLarge):
        await attachments.gateway(BEGIN_PRESIGNED_UPLOAD, request, agent)
    assert await rows(attachments, thread) == (0, 0, 0)


async def test_it_is_finished_by_who_began_it_and_may_post_there(
    attachments: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    upload = await begin(attachments, thread, agent)
    await put(upload)
    for elsewhere, caller in ((thread, client), (new_id(), agent)):
        with pytest.raises(UploadNotFound):
            await finish(attachments, elsewhere, caller, upload)
    attachments.threads.archived.add(thread)
    with pytest.raises(ThreadIsArchived):
        await finish(attachments, thread, agent, upload)
    attachments.threads.hidden.add((thread, agent.user_id))
    with pytest.raises(ThreadNotFound):
        await begin(attachments, thread, agent)


async def test_what_was_made_and_deleted_is_not_made_again(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    await put(upload)
    made = await finish(attachments, thread, agent, upload)
    await attachments.gateway(DELETE_ATTACHMENT, DeleteAttachment(attachment_id=made.id), agent)
    await put(upload)
    with pytest.raises(UploadNotFound):
        await finish(attachments, thread, agent, upload)


async def test_what_is_never_finished_is_swept_and_what_lands_later_too(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    await put(upload)
    key = await staged_key(attachments, upload)
    await swept(attachments, upload.upload_id, after=timedelta(minutes=59))
    assert key in await kept(attachments)
    await swept(attachments, upload.upload_id, after=timedelta(minutes=3))
    assert key not in await kept(attachments)
    with pytest.raises(UploadNotFound):
        await finish(attachments, thread, agent, upload)
    await written(attachments, upload, CONTENT)  # by a PUT that began long ago
    await swept(attachments, upload.upload_id, after=timedelta(hours=22))
    assert key in await kept(attachments)
    await swept(attachments, upload.upload_id, after=timedelta(hours=2))
    assert key not in await kept(attachments)
    assert await rows(attachments, thread) == (0, 0, 0)


async def test_the_ledger_knows_what_is_staged(attachments: Service, thread: UUID, agent: Principal) -> None:
    known = await staged_key(attachments, await begin(attachments, thread, agent))
    unknown = known[:-1] + ("0" if known[-1] != "0" else "1")
    assert await Ledger(attachments.background).unknown([known, unknown]) == {unknown}
