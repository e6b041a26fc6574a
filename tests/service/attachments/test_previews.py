"""What is shown of pictures and sounds is made once they are clean."""

from collections.abc import AsyncIterator
from io import BytesIO
from uuid import UUID

import pytest
import pytest_asyncio
from PIL import Image

from services.attachments.main import AttachmentsApplication
from services.attachments.sweep import preview_key
from shared.contracts.attachments.attachments import OPEN_PREVIEW, Attachment, OpenPreview
from shared.contracts.principal import Principal
from tests.clamav import ClamdServer
from tests.service.attachments.conftest import BOTH_STORES, Service
from tests.service.attachments.media.samples import exif, picture, sound
from tests.service.attachments.scanning import Scanning, until

pytestmark = [BOTH_STORES, pytest.mark.usefixtures("running")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(scanning: Scanning, clamav: ClamdServer) -> AsyncIterator[AttachmentsApplication]:
    async with scanning.running(clamav.url) as application:
        yield application


async def previewed(attachments: Service, file: Attachment) -> None:
    async def is_previewed() -> bool:
        return (await attachments.row(file))["previewed_at"] is not None

    await until(is_previewed)


async def the_bytes(attachments: Service, key: str) -> bytes:
    return b"".join([chunk async for chunk in attachments.store.read(key)])


async def test_a_picture_has_previews_without_what_its_camera_wrote(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    attachments = scanning.attachments
    file = await attachments.upload(thread, agent, picture((400, 300), "JPEG", exif=exif(6)))
    await previewed(attachments, file)
    row = await attachments.row(file)
    assert (row["width"], row["height"], row["preview_widths"]) == (300, 400, [160, 320]), "turned as its EXIF says"
    for width in row["preview_widths"]:
        preview = Image.open(BytesIO(await the_bytes(attachments, preview_key(file.id, width))))
        assert (preview.format, dict(preview.getexif()), "exif" in preview.info) == ("WEBP", {}, False)
    opened = await attachments.gateway(OPEN_PREVIEW, OpenPreview(attachment_id=file.id, width=160), agent)
    assert opened.storage_key == preview_key(file.id, 160)
    shown = (await attachments.listed(thread, agent)).attachments[0]
    assert (shown.preview_available, shown.thumbnail_url) == (True, f"{file.url}/preview?width=320")
    changes = await scanning.changes(agent.user_id, file)
    assert changes == [("uploaded", "pending"), ("scanned", "scanning"), ("scanned", "clean"), ("previewed", "clean")]


async def test_a_sound_has_its_duration_and_waveform(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    file = await scanning.attachments.upload(thread, agent, sound("ogg", "libopus"))
    await previewed(scanning.attachments, file)
    (shown,) = (await scanning.attachments.listed(thread, agent)).attachments
    assert shown.duration is not None
    assert shown.duration > 0
    assert shown.waveform is not None
    assert (len(shown.waveform), max(shown.waveform) > 50) == (80, True)
    assert (await scanning.changes(agent.user_id, file))[-1] == ("previewed", "clean")


async def test_of_what_has_nothing_to_show_nobody_is_told(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    file = await scanning.attachments.upload(thread, agent, b"hello")
    await previewed(scanning.attachments, file)
    row = await scanning.attachments.row(file)
    assert (row["scan_status"], row["unreadable"], row["preview_widths"], row["lease"]) == ("clean", None, [], None)
    assert (await scanning.changes(agent.user_id, file))[-1] == ("scanned", "clean")


async def test_a_picture_that_cannot_be_read_says_so_and_is_served(scanning: Scanning, thread: UUID, agent: Principal) -> None:
    file = await scanning.attachments.upload(thread, agent, picture()[:100])
    await previewed(scanning.attachments, file)
    row = await scanning.attachments.row(file)
    assert (row["scan_status"], row["unreadable"], row["preview_widths"], row["lease"]) == ("clean", "broken", [], None)
    assert (await scanning.changes(agent.user_id, file))[-1] == ("previewed", "clean")
