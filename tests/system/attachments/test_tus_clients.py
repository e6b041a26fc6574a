"""Uploads by a client that others wrote."""

import asyncio
import io

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed

from tests.samples import noise
from tests.system.attachments.files import Room, sha256
from tests.system.attachments.tus import (
    UPLOADS,
    broken,
    bytes_of,
    content_of,
    create,
    id_of,
    reached,
)


def tus_client(room: Room) -> TusClient:
    return TusClient(room.house.url + UPLOADS, headers=room.client.bearer)


@pytest.mark.parametrize("with_checksums", [False, True], ids=["bare", "with checksums"])
async def test_a_client_of_others_uploads_in_pieces(room: Room, with_checksums: bool) -> None:
    content = noise(4_500_000)

    def uploads() -> str | None:
        uploader = tus_client(room).uploader(
            file_stream=io.BytesIO(content),
            chunk_size=1_000_000,
            metadata={"threadId": room.thread["id"], "filename": "trip.bin"},
            upload_checksum=with_checksums,
        )
        uploader.upload()
        return uploader.url

    url = await asyncio.to_thread(uploads)
    (made,) = await room.listed(room.client)
    assert url is not None
    assert (made["id"], made["filename"], made["sha256"]) == (str(id_of(url)), "trip.bin", sha256(content))


async def test_a_client_of_others_goes_on_after_its_connection_broke(room: Room) -> None:
    content = content_of(5)

    def begins() -> str:
        uploader = tus_client(room).uploader(
            file_stream=io.BytesIO(content), chunk_size=1_000_000, metadata={"threadId": room.thread["id"], "filename": "trip.bin"}
        )
        uploader.upload(stop_at=2_000_000)
        assert uploader.url is not None
        return uploader.url

    url = await asyncio.to_thread(begins)
    path = f"{UPLOADS}/{id_of(url)}"
    await broken(room, path, 2_000_000, 3_000_000, content[2_000_000:3_500_000])
    offset = await reached(room, path, 2_000_001)

    def goes_on() -> int:
        uploader = tus_client(room).uploader(file_stream=io.BytesIO(content), chunk_size=1_000_000, url=url)
        went_on_from = uploader.offset
        uploader.upload()
        return went_on_from

    assert await asyncio.to_thread(goes_on) == offset
    (made,) = await room.listed(room.client)
    assert (made["sha256"], await bytes_of(room, made)) == (sha256(content), content)


async def test_a_client_of_others_is_told_what_it_may_not(folder_room: Room) -> None:
    path = await create(folder_room.agent, folder_room.thread)

    def intrudes() -> None:
        uploader = tus_client(folder_room).uploader(file_stream=io.BytesIO(b"hello"), metadata={})
        uploader.set_url(folder_room.house.url + path)
        uploader.offset = 0
        uploader.upload()

    with pytest.raises(TusUploadFailed) as refused:
        await asyncio.to_thread(intrudes)
    assert refused.value.status_code == 404
