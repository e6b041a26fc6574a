"""The store fails while a preview is asked for: whoever asks is told when to ask again, and never takes half of it for all."""

import httpx2
import pytest

from tests.samples import noise
from tests.service.attachments.faults import Faulty
from tests.stores import S3Server
from tests.system.attachments.files import Room, room_in, with_a_preview
from tests.system.house import House, running_gateway
from tests.system.people import Json, refusal

CONTENT = noise(900_000)  # more than is read at once
IS_AWAY = (503, "store_is_away")


async def previewed(room: Room) -> Json:
    file = await room.clean()
    await with_a_preview(room.house, file, CONTENT)
    return file


@pytest.mark.parametrize("way", ["failing", "once"])
async def test_a_preview_that_cannot_be_read_is_refused_for_now(room: Room, way: str) -> None:
    file, faulty = await previewed(room), Faulty(room.store())
    async with running_gateway(room.house.servers, None, faulty) as url:
        getattr(faulty, way).add("read")
        answer = await room.client.http.get(f"{url}{file['url']}/preview", headers=room.client.bearer)
        assert (refusal(answer), answer.headers["retry-after"]) == (IS_AWAY, "1")
        faulty.failing.clear()
        answer = await room.client.http.get(f"{url}{file['url']}/preview", headers=room.client.bearer)
        assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_a_preview_that_breaks_off_in_its_middle_is_no_whole_one(room: Room) -> None:
    file, faulty = await previewed(room), Faulty(room.store())
    async with running_gateway(room.house.servers, None, faulty) as url:
        faulty.late.add("read")
        with pytest.raises(httpx2.RemoteProtocolError):
            await room.client.http.get(f"{url}{file['url']}/preview", headers=room.client.bearer)
        faulty.mend()
        answer = await room.client.http.get(f"{url}{file['url']}/preview", headers=room.client.bearer)
        assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_a_preview_whose_store_is_stopped_is_refused_until_it_is_back(over_s3: House, s3: S3Server) -> None:
    room = await room_in(over_s3)
    file = await previewed(room)
    await s3.stop()
    try:
        answer = await room.client.get(f"{file['url']}/preview")
        assert (refusal(answer), answer.headers["retry-after"]) == (IS_AWAY, "1")
    finally:
        await s3.start()
    answer = await room.client.get(f"{file['url']}/preview")
    assert (answer.status_code, answer.content) == (200, CONTENT)
