"""Atrium is started while its S3 server cannot be reached: all but files works, and files do once the server is there."""

from pathlib import Path

from shared.identifiers import new_id
from tests.stores import S3Server
from tests.system.attachments.files import Sent, room_in, send
from tests.system.house import running_house
from tests.system.people import expect, refusal


async def test_all_but_files_works_until_the_store_is_there(tmp_path: Path) -> None:
    server = S3Server(tmp_path)
    async with running_house(server.settings(f"b{new_id().hex}")) as house:
        room = await room_in(house)
        answer = await house.http.get("/readyz")
        assert (answer.status_code, answer.json()["dependencies"]["store"]["ok"]) == (200, False)
        assert server.endpoint in answer.json()["dependencies"]["store"]["detail"]
        expect(await room.client.post(f"/api/collab/threads/{room.thread['id']}/messages", {"content": "hello"}), 201)
        refused = await send(room.client, room.thread, Sent(b"hello"))
        assert (refusal(refused), refused.headers["retry-after"]) == ((503, "store_is_away"), "1")

        await server.start()
        try:
            assert (await send(room.client, room.thread, Sent(b"hello"))).status_code == 201
            assert (await house.http.get("/readyz")).json()["dependencies"]["store"] == {"ok": True}
        finally:
            await server.stop()
