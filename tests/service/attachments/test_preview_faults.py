"""The store fails while previews are made or opened: nothing is told of a file that is not so, and what is missing is made by itself."""

from datetime import timedelta
from uuid import UUID

import pytest
from PIL import Image

from services.attachments.background import BackgroundWork
from services.attachments.sweep import preview_key
from services.attachments.workers import Workers
from shared.contracts.attachments.attachments import OPEN_PREVIEW, Attachment, OpenPreview, PreviewIsNotThere, StoredFile
from shared.contracts.principal import Principal
from shared.store.opening import store_of
from shared.store.settings import StoreSettings
from shared.store.store import StoreIsAway
from tests.samples import noise
from tests.service.attachments.conftest import BOTH_STORES, Service
from tests.service.attachments.faults import Faulty
from tests.service.attachments.media.samples import saved, sound
from tests.service.attachments.reckoning import all_adds_up
from tests.service.attachments.scanning import until

pytestmark = BOTH_STORES

WIDE, HIGH = 500, 400
PHOTO = saved(Image.frombytes("RGB", (WIDE, HIGH), noise(WIDE * HIGH * 3)), "PNG")  # more than is read at once
WIDTHS = [160, 320, 640]
WAYS = ["failing", "late", "once"]


@pytest.fixture(scope="module")
def kept_in(where: dict[str, str]) -> Faulty:
    return Faulty(store_of(StoreSettings.model_validate(where)))


def poked(service: Service) -> Workers:
    """Those who make previews, who would look for work a second later by themselves."""
    work: BackgroundWork = service.application._work
    work._previewer.workers.poke()
    return work._previewer.workers


async def the_making_fails(service: Service, faulty: Faulty, call: str) -> None:
    workers = poked(service)

    async def has_failed() -> bool:
        return faulty.calls[call] > faulty.spared[call] and not workers.busy

    await until(has_failed)


async def is_made(service: Service, file: Attachment) -> None:
    poked(service)

    async def is_there() -> bool:
        return (await service.row(file))["previewed_at"] is not None

    await until(is_there)


async def is_made_once_its_lease_ends(service: Service, file: Attachment) -> None:
    """Of a file that nobody works on any more: two at once would be in each other's way."""
    await service.aged("attachments", file.id, "next_try_at", timedelta(seconds=61))
    await is_made(service, file)


async def opened(service: Service, caller: Principal, file: Attachment, width: int = 160) -> StoredFile:
    return await service.gateway(OPEN_PREVIEW, OpenPreview(attachment_id=file.id, width=width), caller)


async def changes(service: Service, caller: Principal) -> list[str]:
    return [content["change"] for _, content in await service.said(caller.user_id)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("call", "spared"), [("read", 0), ("write", 0), ("write", 2)], ids=["read", "first write", "last write"])
async def test_previews_that_the_store_fails_are_made_once_it_is_back(
    call: str, spared: int, way: str, attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    file = await attachments.upload(thread, agent, PHOTO)
    faulty.spared[call] = spared
    getattr(faulty, way).add(call)
    await attachments.scanned(file)
    await the_making_fails(attachments, faulty, call)
    row = await attachments.row(file)
    assert (row["previewed_at"], row["unreadable"], row["preview_widths"]) == (None, None, []), "the picture is not what is broken"
    with pytest.raises(PreviewIsNotThere):
        await opened(attachments, agent, file)
    assert await changes(attachments, agent) == ["uploaded"]
    await all_adds_up(attachments)
    faulty.mend()
    await is_made_once_its_lease_ends(attachments, file)
    row = await attachments.row(file)
    assert (row["width"], row["height"], row["unreadable"], row["preview_widths"]) == (WIDE, HIGH, None, WIDTHS)
    for width in WIDTHS:
        found = await opened(attachments, agent, file, width)
        assert found.size == await attachments.store.size(preview_key(file.id, width))
    assert await changes(attachments, agent) == ["uploaded", "previewed"]
    await all_adds_up(attachments)


@pytest.mark.parametrize("way", WAYS)
async def test_a_sound_that_the_store_fails_is_read_once_it_is_back(
    way: str, attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    file = await attachments.upload(thread, agent, sound("wav", "pcm_s16le"))
    getattr(faulty, way).add("read")
    await attachments.scanned(file)
    await the_making_fails(attachments, faulty, "read")
    row = await attachments.row(file)
    assert (row["previewed_at"], row["unreadable"], row["duration"]) == (None, None, None), "half of it is not heard as all of it"
    faulty.mend()
    await is_made_once_its_lease_ends(attachments, file)
    row = await attachments.row(file)
    assert (row["unreadable"], round(row["duration"])) == (None, 3)
    await all_adds_up(attachments)


@pytest.mark.parametrize("way", WAYS)
async def test_a_preview_is_opened_again_once_the_store_is_back(
    way: str, attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    file = await attachments.upload(thread, agent, PHOTO)
    await attachments.scanned(file)
    await is_made(attachments, file)
    getattr(faulty, way).add("size")
    with pytest.raises(StoreIsAway):
        await opened(attachments, agent, file)
    faulty.mend()
    assert (await opened(attachments, agent, file)).size == await attachments.store.size(preview_key(file.id, 160))


async def test_what_has_lost_its_bytes_has_no_preview_and_holds_up_none(
    attachments: Service, faulty: Faulty, thread: UUID, agent: Principal
) -> None:
    lost, whole = [await attachments.upload(thread, agent, PHOTO) for _ in range(2)]
    await attachments.store.delete((await attachments.row(lost))["storage_key"])
    for file in (lost, whole):
        await attachments.scanned(file)
        await is_made(attachments, file)
    with pytest.raises(PreviewIsNotThere):
        await opened(attachments, agent, lost)
    assert [(await attachments.row(file))["preview_widths"] for file in (lost, whole)] == [[], WIDTHS]
    await attachments.database.execute("UPDATE attachments.attachments SET deleted_at = now() WHERE id = $1", lost.id)
