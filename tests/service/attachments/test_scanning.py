"""Files that came are scanned by a real clamd, and what it says of them is all that counts."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
import pytest_asyncio

from services.attachments.main import AttachmentsApplication
from services.attachments.repository.scans import quarantine_key
from services.attachments.scanner import MOST_TRIES
from shared.contracts.attachments.attachments import (
    OPEN_ATTACHMENT,
    Attachment,
    AttachmentIsNotClean,
    OpenAttachment,
)
from shared.contracts.principal import Principal
from tests.clamav import ClamdServer
from tests.samples import HARMLESS, VIRUSES, in_encrypted_zip
from tests.service.attachments.conftest import BOTH_STORES, Service
from tests.service.attachments.scanning import Scanning, until

pytestmark = BOTH_STORES


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(scanning: Scanning, clamav: ClamdServer) -> AsyncIterator[AttachmentsApplication]:
    async with scanning.running(clamav.url) as application:
        yield application


async def opened(attachments: Service, file: Attachment, caller: Principal) -> str:
    return (await attachments.gateway(OPEN_ATTACHMENT, OpenAttachment(attachment_id=file.id), caller)).storage_key


@pytest.mark.parametrize("virus", VIRUSES.values(), ids=VIRUSES)
@pytest.mark.usefixtures("running")
async def test_a_virus_is_found_wherever_it_is_and_put_into_quarantine(
    scanning: Scanning, thread: UUID, agent: Principal, virus: Callable[[], bytes]
) -> None:
    attachments = scanning.attachments
    file = await attachments.upload(thread, agent, virus())
    before = (await attachments.row(file))["storage_key"]
    assert await scanning.ends(file) == "infected"
    with pytest.raises(AttachmentIsNotClean) as refused:
        await opened(attachments, file, agent)
    assert [error.code for error in refused.value.errors] == ["infected"]

    async def is_moved() -> bool:
        return bool((await attachments.row(file))["storage_key"] == quarantine_key(file.id))

    await until(is_moved)
    assert await attachments.store.size(before) is None
    assert await attachments.store.size(quarantine_key(file.id)) == file.size
    row = await attachments.row(file)
    assert (row["scan_result"].split("-")[0], row["attempts"], row["lease"]) == ("Eicar", 1, None)
    assert row["signatures"]
    changes = await scanning.changes(agent.user_id, file)
    assert changes == [("uploaded", "pending"), ("scanned", "scanning"), ("scanned", "infected")]


@pytest.mark.parametrize("harmless", HARMLESS.values(), ids=HARMLESS)
@pytest.mark.usefixtures("running")
async def test_what_is_clean_is_served(scanning: Scanning, thread: UUID, agent: Principal, harmless: Callable[[], bytes]) -> None:
    file = await scanning.attachments.upload(thread, agent, harmless())
    assert await scanning.ends(file) == "clean"
    row = await scanning.attachments.row(file)
    assert await opened(scanning.attachments, file, agent) == row["storage_key"]
    assert row["scan_result"] is None
    changes = await scanning.changes(agent.user_id, file)
    assert changes == [("uploaded", "pending"), ("scanned", "scanning"), ("scanned", "clean")]


@pytest.mark.usefixtures("running")
async def test_what_cannot_be_looked_into_is_not_served(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    file = await scanning.attachments.upload(thread, agent, in_encrypted_zip(b"hidden"))
    assert await scanning.ends(file) == "unscannable"
    with pytest.raises(AttachmentIsNotClean):
        await opened(scanning.attachments, file, agent)
    assert (await scanning.attachments.row(file))["scan_result"].startswith("encrypted: ")


@pytest.mark.usefixtures("running")
async def test_a_file_whose_bytes_are_gone_has_failed_after_ten_tries(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    attachments = scanning.attachments
    upload = await attachments.begin(thread, agent)
    await attachments.store.delete(upload.storage_key)
    (file,) = await attachments.finish(thread, agent, upload)
    await scanning.was_tried(file)
    await scanning.leaves_one_try(file)
    assert await scanning.ends(file) == "failed"
    row = await attachments.row(file)
    assert (row["scan_result"], row["attempts"]) == ("its bytes are not in the store", MOST_TRIES)


@pytest.mark.usefixtures("running")
async def test_a_file_whose_bytes_are_there_again_is_scanned(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    """Its volume was not mounted yet."""
    attachments = scanning.attachments
    upload = await attachments.begin(thread, agent)
    await attachments.store.delete(upload.storage_key)
    (file,) = await attachments.finish(thread, agent, upload)
    await scanning.was_tried(file)
    await attachments.store.write((await attachments.row(file))["storage_key"], once(b"hello"))
    assert await scanning.ends(file) == "clean"


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content
