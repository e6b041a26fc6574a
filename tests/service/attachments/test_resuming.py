"""Uploads that go on where they broke off, as the gateway asks for them: what counts, once, whoever is late or gone."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from services.attachments.repository.ledger import Ledger
from services.attachments.repository.sweeping import Sweeping
from services.attachments.resumption import MOST_UNDER_WAY
from services.attachments.sweep import Sweep
from services.attachments.verification import objects_without_rows
from shared.contracts.attachments.resumable import (
    COMPLETE_RESUMABLE_UPLOAD,
    CONTINUE_RESUMABLE_UPLOAD,
    CREATE_RESUMABLE_UPLOAD,
    DELETE_RESUMABLE_UPLOAD,
    GET_RESUMABLE_UPLOAD,
    JOIN_PARTS,
    KEEP_PART,
    MOST_UNFINISHED,
    CompleteResumableUpload,
    ContinueResumableUpload,
    CreateResumableUpload,
    DeleteResumableUpload,
    GetResumableUpload,
    JoinParts,
    KeepPart,
    ResumableUpload,
    TooManyUnfinishedUploads,
    UploadHasTooManyParts,
    UploadIsBeingFinished,
    UploadOffsetIsAnother,
)
from shared.contracts.attachments.uploads import ABORT_UPLOADS, AbortUploads, FileIsTooLarge, Upload, UploadNotFound
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.contracts.threads.access import ThreadIsArchived
from shared.identifiers import new_id
from tests.service.attachments.conftest import Service

WHOLE = b"hello world"


async def begin(attachments: Service, thread: UUID, caller: Principal, size: int = len(WHOLE)) -> ResumableUpload:
    request = CreateResumableUpload(thread_id=thread, filename="../a.txt", size=size, metadata="a YQ==")
    return await attachments.gateway(CREATE_RESUMABLE_UPLOAD, request, caller)


async def place(attachments: Service, upload: ResumableUpload, caller: Principal, offset: int = 0, after: UUID | None = None) -> Upload:
    request = ContinueResumableUpload(upload_id=upload.id, offset=offset, after=after)
    begun = await attachments.gateway(CONTINUE_RESUMABLE_UPLOAD, request, caller)
    assert begun.place is not None
    return begun.place


async def write(attachments: Service, where: Upload, content: bytes) -> Upload:
    async def all_of_it() -> AsyncIterator[bytes]:
        yield content

    await attachments.store.write(where.storage_key, all_of_it())
    return where


async def keep(attachments: Service, upload: ResumableUpload, part: Upload, size: int, caller: Principal) -> ResumableUpload:
    return await attachments.gateway(KEEP_PART, KeepPart(upload_id=upload.id, part_id=part.id, size=size), caller)


async def complete(
    attachments: Service, upload: ResumableUpload, last: Upload, whole: Upload, caller: Principal, content: bytes = WHOLE
) -> ResumableUpload:
    request = CompleteResumableUpload(
        upload_id=upload.id, part_id=last.id, whole_id=whole.id, head=content, sha256=hashlib.sha256(content).hexdigest()
    )
    return await attachments.gateway(COMPLETE_RESUMABLE_UPLOAD, request, caller)


async def offset(attachments: Service, upload: ResumableUpload, caller: Principal) -> int:
    return (await attachments.gateway(GET_RESUMABLE_UPLOAD, GetResumableUpload(upload_id=upload.id), caller)).offset


async def swept(attachments: Service) -> None:
    await Sweep(Sweeping(attachments.background), attachments.store, quarantine_days=30).once()


async def give_up(attachments: Service, caller: Principal, *places: Upload) -> None:
    await attachments.gateway(ABORT_UPLOADS, AbortUploads(upload_ids=[one.id for one in places]), caller)


async def refused(asked: object) -> type[Refusal]:
    with pytest.raises(Refusal) as raised:
        await asked  # type: ignore[misc]
    return type(raised.value)


async def test_parts_are_joined_and_swept_away(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    first = await write(attachments, await place(attachments, upload, agent), WHOLE[:5])
    assert (await keep(attachments, upload, first, 5, agent)).offset == 5
    last = await write(attachments, await place(attachments, upload, agent, 5), WHOLE[5:])
    joined = await attachments.gateway(JOIN_PARTS, JoinParts(upload_id=upload.id, part_id=last.id, size=6), agent)
    assert joined.keys == [first.storage_key, last.storage_key]
    assert await offset(attachments, upload, agent) == 5
    await write(attachments, joined.place, WHOLE)
    done = await complete(attachments, upload, last, joined.place, agent)
    assert (done.offset, done.attachment_id) == (len(WHOLE), upload.id)
    (made,) = (await attachments.listed(thread, agent)).attachments
    assert (made.id, made.filename, made.size) == (upload.id, "a.txt", len(WHOLE))
    assert [name for name, _ in await attachments.said(agent.user_id)] == ["own_attachment_changed"]
    await swept(attachments)
    left = await attachments.objects()
    assert (first.storage_key in left, last.storage_key in left, joined.place.storage_key in left) == (False, False, True)


async def test_completing_again_answers_what_was_made(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    part = await write(attachments, await place(attachments, upload, agent), WHOLE)
    done = await asyncio.gather(*(complete(attachments, upload, part, part, agent) for _ in range(10)))
    assert all(one == done[0] for one in done)
    assert len(await attachments.said(agent.user_id)) == 1
    await give_up(attachments, agent, part)
    assert part.storage_key in await attachments.objects(), "its sender heard of nothing, and gave it up"


async def test_who_goes_on_takes_the_place_of_who_was_there(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    old = await write(attachments, await place(attachments, upload, agent), WHOLE[:5])
    new = await write(attachments, await place(attachments, upload, agent), WHOLE[:6])
    assert await refused(keep(attachments, upload, old, 5, agent)) is UploadOffsetIsAnother
    assert await refused(complete(attachments, upload, old, old, agent)) is UploadOffsetIsAnother
    assert (await keep(attachments, upload, new, 6, agent)).offset == 6
    following = ContinueResumableUpload(upload_id=upload.id, offset=6, after=old.id)
    assert await refused(attachments.gateway(CONTINUE_RESUMABLE_UPLOAD, following, agent)) is UploadOffsetIsAnother
    last = await write(attachments, await place(attachments, upload, agent, 6, after=new.id), WHOLE[6:])
    assert await refused(complete(attachments, upload, new, last, agent)) is UploadOffsetIsAnother


async def test_a_part_that_counts_is_not_given_up_and_one_that_was_given_up_does_not_count(
    attachments: Service, thread: UUID, agent: Principal
) -> None:
    for _ in range(10):
        upload = await begin(attachments, thread, agent)
        part = await write(attachments, await place(attachments, upload, agent), WHOLE[:5])
        await asyncio.gather(keep(attachments, upload, part, 5, agent), give_up(attachments, agent, part), return_exceptions=True)
        there = part.storage_key in await attachments.objects()
        assert await offset(attachments, upload, agent) == (5 if there else 0)


async def test_what_is_put_together_is_left_alone_for_a_while(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    await keep(attachments, upload, await place(attachments, upload, agent), 5, agent)
    last = await place(attachments, upload, agent, 5)
    join = JoinParts(upload_id=upload.id, part_id=last.id, size=6)
    joined = await attachments.gateway(JOIN_PARTS, join, agent)
    going_on = ContinueResumableUpload(upload_id=upload.id, offset=5)
    assert await refused(attachments.gateway(CONTINUE_RESUMABLE_UPLOAD, going_on, agent)) is UploadIsBeingFinished
    await give_up(attachments, agent, last, joined.place)
    last = await place(attachments, upload, agent, 5)
    await attachments.gateway(JOIN_PARTS, join.model_copy(update={"part_id": last.id}), agent)
    await attachments.aged("resumable_uploads", upload.id, "finishing_until", timedelta(minutes=2))
    assert await place(attachments, upload, agent, 5), "whoever put it together was killed"
    assert await refused(complete(attachments, upload, last, last, agent)) is UploadOffsetIsAnother


async def test_what_is_put_together_does_not_expire_meanwhile(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    first = await write(attachments, await place(attachments, upload, agent), WHOLE[:5])
    await keep(attachments, upload, first, 5, agent)
    last = await write(attachments, await place(attachments, upload, agent, 5), WHOLE[5:])
    for table, identifier in (("resumable_uploads", upload.id), ("uploads", first.id)):
        await attachments.aged(table, identifier, "expires_at", timedelta(hours=23, minutes=59, seconds=30))
    joined = await attachments.gateway(JOIN_PARTS, JoinParts(upload_id=upload.id, part_id=last.id, size=6), agent)
    for table, identifier in (("resumable_uploads", upload.id), ("uploads", first.id)):
        await attachments.aged(table, identifier, "expires_at", timedelta(minutes=10))
    await swept(attachments)
    assert first.storage_key in await attachments.objects()
    await write(attachments, joined.place, WHOLE)
    assert (await complete(attachments, upload, last, joined.place, agent)).attachment_id == upload.id


async def test_sizes_that_do_not_fit_are_refused(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    part = await place(attachments, upload, agent)
    assert await refused(keep(attachments, upload, part, len(WHOLE), agent)) is UploadOffsetIsAnother
    short = JoinParts(upload_id=upload.id, part_id=part.id, size=5)
    assert await refused(attachments.gateway(JOIN_PARTS, short, agent)) is UploadOffsetIsAnother
    limit = 5 * 1024 * 1024
    assert await refused(begin(attachments, thread, agent, limit + 1)) is FileIsTooLarge


async def test_what_has_expired_is_gone_with_all_that_came(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    first = await write(attachments, await place(attachments, upload, agent), WHOLE[:5])
    await keep(attachments, upload, first, 5, agent)
    open_one = await write(attachments, await place(attachments, upload, agent, 5), WHOLE[5:])
    for table, identifier in (("resumable_uploads", upload.id), ("uploads", first.id), ("uploads", open_one.id)):
        await attachments.aged(table, identifier, "expires_at", timedelta(hours=25))
    assert await refused(offset(attachments, upload, agent)) is UploadNotFound
    assert await refused(complete(attachments, upload, open_one, open_one, agent)) is UploadNotFound
    await swept(attachments)
    assert {first.storage_key, open_one.storage_key} & await attachments.objects() == set()


async def test_an_upload_that_ends_takes_its_parts_and_what_is_under_way_goes_with_its_sender(
    attachments: Service, thread: UUID, agent: Principal
) -> None:
    upload = await begin(attachments, thread, agent)
    first = await write(attachments, await place(attachments, upload, agent), WHOLE[:5])
    await keep(attachments, upload, first, 5, agent)
    under_way = await place(attachments, upload, agent, 5)
    await attachments.gateway(DELETE_RESUMABLE_UPLOAD, DeleteResumableUpload(upload_id=upload.id), agent)
    await swept(attachments)
    await write(attachments, under_way, WHOLE[5:])
    assert first.storage_key not in await attachments.objects()
    unknown = {stored.key async for stored in objects_without_rows(attachments.store, Ledger(attachments.background))}
    assert under_way.storage_key not in unknown
    assert await refused(complete(attachments, upload, under_way, under_way, agent)) is UploadNotFound
    await give_up(attachments, agent, under_way)
    assert under_way.storage_key not in await attachments.objects()


async def test_an_upload_is_its_makers_alone(attachments: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    part = await place(attachments, upload, agent)
    for asked in (
        offset(attachments, upload, client),
        place(attachments, upload, client),
        keep(attachments, upload, part, 5, client),
        complete(attachments, upload, part, part, client),
        attachments.gateway(DELETE_RESUMABLE_UPLOAD, DeleteResumableUpload(upload_id=upload.id), client),
    ):
        assert await refused(asked) is UploadNotFound
    await give_up(attachments, client, part)
    assert (await keep(attachments, upload, part, 5, agent)).offset == 5


async def test_who_was_removed_cannot_finish(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    part = await write(attachments, await place(attachments, upload, agent), WHOLE)
    attachments.threads.archived.add(thread)
    assert await refused(complete(attachments, upload, part, part, agent)) is ThreadIsArchived
    attachments.threads.hidden.add((thread, agent.user_id))
    assert await refused(complete(attachments, upload, part, part, agent)) is UploadNotFound
    assert await refused(offset(attachments, upload, agent)) is UploadNotFound


async def test_of_many_that_begin_at_once_no_more_than_allowed_do(attachments: Service, thread: UUID, agent: Principal) -> None:
    begun = await asyncio.gather(*(begin(attachments, thread, agent) for _ in range(MOST_UNFINISHED + 10)), return_exceptions=True)
    assert sum(isinstance(one, ResumableUpload) for one in begun) == MOST_UNFINISHED
    assert {type(one) for one in begun} == {ResumableUpload, TooManyUnfinishedUploads}


async def test_an_upload_has_so_many_parts_under_way_and_no_more(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await begin(attachments, thread, agent)
    for _ in range(MOST_UNDER_WAY):
        await place(attachments, upload, agent)
    assert await refused(place(attachments, upload, agent)) is UploadHasTooManyParts


async def test_an_upload_of_no_bytes_is_none_until_it_is_complete(attachments: Service, agent: Principal) -> None:
    thread = new_id()
    upload = await begin(attachments, thread, agent, 0)
    assert await refused(offset(attachments, upload, agent)) is UploadNotFound
    part = await write(attachments, await place(attachments, upload, agent), b"")
    assert (await complete(attachments, upload, part, part, agent, b"")).attachment_id == upload.id
    assert await offset(attachments, upload, agent) == 0
