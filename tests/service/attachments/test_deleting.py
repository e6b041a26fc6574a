"""Files go: from their readers at once, from the store by and by."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.attachments.repository.sweeping import Sweeping
from services.attachments.sweep import Sweep, preview_key
from shared.contracts.attachments.attachments import (
    DELETE_ATTACHMENT,
    OPEN_ATTACHMENT,
    OPEN_PREVIEW,
    AttachmentNotFound,
    DeleteAttachment,
    NotTheUploader,
    OpenAttachment,
    OpenPreview,
    PreviewIsNotThere,
)
from shared.contracts.attachments.links import LINK_ATTACHMENT, OPEN_LINK, LinkAttachment, LinkNotFound, OpenLink
from shared.contracts.messages.messages import MessagePosted, NotePosted
from shared.contracts.principal import Principal, Role
from shared.contracts.threads.access import ThreadIsArchived
from shared.store.store import StoreIsAway
from tests.service.attachments.conftest import BOTH_STORES, Service
from tests.service.attachments.neighbours import message
from tests.service.neighbours import principal

pytestmark = BOTH_STORES

TWO_MINUTES = timedelta(minutes=2)


def sweep_of(attachments: Service) -> Sweep:
    return Sweep(Sweeping(attachments.background), attachments.store, quarantine_days=30)


class Away:
    """A store that does not delete."""

    async def delete(self, *keys: str) -> None:
        raise StoreIsAway


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def delete(attachments: Service, attachment_id: UUID, caller: Principal) -> None:
    await attachments.gateway(DELETE_ATTACHMENT, DeleteAttachment(attachment_id=attachment_id), caller)


@pytest.mark.parametrize("heard", [True, False])
async def test_a_link_ends_with_the_message_before_the_event_of_that_has_come(
    attachments: Service, thread: UUID, agent: Principal, heard: bool
) -> None:
    file, there = await attachments.upload(thread, agent), message(thread)
    await attachments.scanned(file)
    there = attachments.messages.there[there.id] = await attachments.claimed(there, agent, file)
    if heard:
        await attachments.hears(MessagePosted(entity_id=there.id, version=1, message=there))
    link = await attachments.gateway(LINK_ATTACHMENT, LinkAttachment(attachment_id=file.id), agent)
    opened = OpenLink(token=link.url.rpartition("/")[2])
    assert (await attachments.gateway(OPEN_LINK, opened, None)).attachment_id == file.id
    attachments.messages.there[there.id] = there.model_copy(update={"deleted_at": datetime.now(UTC)})
    with pytest.raises(LinkNotFound):
        await attachments.gateway(OPEN_LINK, opened, None)


async def test_a_deleted_file_keeps_its_row_and_loses_its_bytes(attachments: Service, thread: UUID, agent: Principal) -> None:
    file, kept = await attachments.upload(thread, agent), await attachments.upload(thread, agent)
    await delete(attachments, file.id, agent)
    row = await attachments.row(file)
    await sweep_of(attachments).once()
    assert row["storage_key"] in await attachments.objects(), "whoever reads it reads it to its end"
    await attachments.aged("attachments", file.id, "updated_at", TWO_MINUTES)
    await sweep_of(attachments).once()
    left = await attachments.objects()
    assert (row["storage_key"] in left, (await attachments.row(kept))["storage_key"] in left) == (False, True)
    assert (await attachments.row(file))["purged_at"] is not None


async def test_deleting_again_is_as_good_and_said_once(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    for _ in range(3):
        await delete(attachments, file.id, agent)
    assert [event["change"] for _, event in await attachments.said(agent.user_id)] == ["uploaded", "deleted"]
    with pytest.raises(AttachmentNotFound):
        await attachments.gateway(OPEN_ATTACHMENT, OpenAttachment(attachment_id=file.id), agent)


async def test_others_delete_it_who_may_delete_others_messages_and_that_is_audited(
    attachments: Service, thread: UUID, agent: Principal, client: Principal
) -> None:
    file, other = await attachments.upload(thread, client), principal(Role.CLIENT, agent.workspace_id)
    await attachments.posted_with(message(thread), client, file, by=MessagePosted)
    with pytest.raises(NotTheUploader):
        await delete(attachments, file.id, other)
    await delete(attachments, file.id, agent)
    await delete(attachments, file.id, agent)
    with pytest.raises(AttachmentNotFound):
        await delete(attachments, file.id, other)
    ((name, entry),) = await attachments.said(agent.user_id)
    assert (name, entry["action"], entry["targetId"]) == ("action_audited", "chat:file:delete", str(file.id))
    assert [event["change"] for _, event in await attachments.said(thread)] == ["deleted"]


async def test_what_somebody_cannot_see_they_cannot_delete(attachments: Service, thread: UUID, agent: Principal, client: Principal) -> None:
    unposted, noted, said = await attachments.upload(thread, agent), await attachments.upload(thread, agent), message(thread)
    await attachments.posted_with(said, agent, noted, by=NotePosted)
    attachments.messages.hidden.add((said.id, client.user_id))
    colleague = principal(Role.AGENT, agent.workspace_id)
    for file, caller in ((unposted, client), (unposted, colleague), (noted, client)):
        with pytest.raises(AttachmentNotFound):
            await delete(attachments, file.id, caller)
    attachments.threads.hidden.add((thread, agent.user_id))
    with pytest.raises(AttachmentNotFound):
        await delete(attachments, unposted.id, agent)


async def test_nothing_is_deleted_in_an_archived_thread(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    attachments.threads.archived.add(thread)
    with pytest.raises(ThreadIsArchived):
        await delete(attachments, file.id, agent)


async def test_an_upload_that_expired_is_forgotten_with_its_object(attachments: Service, thread: UUID, agent: Principal) -> None:
    expired, fresh = await attachments.begin(thread, agent), await attachments.begin(thread, agent)
    await attachments.aged("uploads", expired.id, "expires_at", timedelta(minutes=62))
    await sweep_of(attachments).once()
    left = await attachments.objects()
    assert (expired.storage_key in left, fresh.storage_key in left) == (False, True)
    assert await attachments.database.fetchval("SELECT count(*) FROM attachments.uploads WHERE thread_id = $1", thread) == 1


async def test_an_infected_file_is_kept_for_its_time_alone(attachments: Service, thread: UUID, agent: Principal) -> None:
    old, new = await attachments.upload(thread, agent), await attachments.upload(thread, agent)
    for file in (old, new):
        await attachments.scanned(file, "infected")
        await attachments.aged("attachments", file.id, "updated_at", TWO_MINUTES)
    await attachments.aged("attachments", old.id, "scanned_at", timedelta(days=30, minutes=1))
    await sweep_of(attachments).once()
    assert ((await attachments.row(old))["purged_at"] is None, (await attachments.row(new))["purged_at"] is None) == (False, True)


async def test_what_a_store_that_is_away_keeps_is_deleted_later(attachments: Service, thread: UUID, agent: Principal) -> None:
    upload = await attachments.begin(thread, agent)
    await attachments.aged("uploads", upload.id, "expires_at", timedelta(minutes=62))
    with pytest.raises(StoreIsAway):
        await Sweep(Sweeping(attachments.background), Away(), quarantine_days=30).once()
    assert await attachments.database.fetchval("SELECT count(*) FROM attachments.uploads WHERE id = $1", upload.id) == 1
    await sweep_of(attachments).once()
    assert upload.storage_key not in await attachments.objects()


async def test_previews_are_opened_by_width_and_go_with_their_file(attachments: Service, thread: UUID, agent: Principal) -> None:
    file = await attachments.upload(thread, agent)
    await attachments.scanned(file)
    with pytest.raises(PreviewIsNotThere):
        await attachments.gateway(OPEN_PREVIEW, OpenPreview(attachment_id=file.id), agent)
    await attachments.database.execute("UPDATE attachments.attachments SET preview_widths = '{640,160}' WHERE id = $1", file.id)
    for width in (160, 640):
        await attachments.store.write(preview_key(file.id, width), _pieces(b"x" * width))
    asked = {1: 160, 160: 160, 161: 640, 4_000: 640}
    for width, found in asked.items():
        opened = await attachments.gateway(OPEN_PREVIEW, OpenPreview(attachment_id=file.id, width=width), agent)
        assert (opened.size, opened.mime_type, opened.etag) == (found, "image/webp", f"{file.sha256}-{found}")
    assert (await attachments.listed(thread, agent)).attachments[0].thumbnail_url == f"{file.url}/preview?width=320"
    await delete(attachments, file.id, agent)
    await attachments.aged("attachments", file.id, "updated_at", TWO_MINUTES)
    await sweep_of(attachments).once()
    assert [await attachments.store.size(preview_key(file.id, width)) for width in (160, 640)] == [None, None]
