"""Downloads by the store itself, where the operator wants that and the store can."""

import httpx2

from tests.system.attachments.files import Room, Sent, room_in
from tests.system.house import House, running_gateway
from tests.system.people import refusal


async def test_a_bucket_serves_a_file_by_an_address_for_a_minute(over_s3: House) -> None:
    room: Room = await room_in(over_s3)
    made = await room.clean(Sent(b"0123456789", "Köln.txt"))
    async with running_gateway(over_s3.servers, None, None, attachment_redirects=True, **over_s3.store) as url:
        answer = await over_s3.http.get(url + made["url"], headers=room.client.bearer)
        assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (307, b"", "no-store")
        async with httpx2.AsyncClient() as anybody:
            got = await anybody.get(answer.headers["location"], headers={"range": "bytes=2-4"})
            assert (got.status_code, got.content, got.headers["content-type"]) == (206, b"234", "text/plain")
            assert got.headers["content-disposition"].endswith("filename*=UTF-8''K%C3%B6ln.txt")
            without = await anybody.get(answer.headers["location"].partition("?")[0])
            assert without.status_code == 403
        pending = await room.upload()
        assert refusal(await over_s3.http.get(url + pending["url"], headers=room.client.bearer)) == (409, "attachment_is_not_clean")


async def test_a_folder_is_served_by_the_gateway_all_the_same(folder_room: Room) -> None:
    made = await folder_room.clean(Sent(b"0123456789"))
    async with running_gateway(folder_room.house.servers, None, None, attachment_redirects=True) as url:
        answer = await folder_room.house.http.get(url + made["url"], headers=folder_room.client.bearer)
        assert (answer.status_code, answer.content) == (200, b"0123456789")
