"""What operators are told of the scanner and the store, and what is counted."""

import re

from tests.system.attachments.files import Room, Sent, send, uploads_counted
from tests.system.people import Json


async def test_readiness_names_the_store_and_a_missing_scanner(folder_room: Room) -> None:
    await send(folder_room.agent, folder_room.thread, Sent())
    answer = await folder_room.house.http.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)  # files alone wait
    dependencies: Json = answer.json()["dependencies"]
    assert dependencies["store"] == {"ok": True}
    assert dependencies["clamd"]["ok"] is False
    assert re.fullmatch(r"attachments: ATRIUM_CLAMD_URL names none(; the oldest file has waited \d+ s)?", dependencies["clamd"]["detail"])


async def test_uploads_are_counted_by_what_became_of_them(folder_room: Room) -> None:
    before = await uploads_counted(folder_room.house, "taken", "file_is_missing")
    assert (await send(folder_room.agent, folder_room.thread, Sent())).status_code == 201
    assert (await send(folder_room.agent, folder_room.thread)).status_code == 422
    assert await uploads_counted(folder_room.house, *before) == {outcome: count + 1 for outcome, count in before.items()}
