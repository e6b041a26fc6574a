"""What operators are told of the scanner and the store, and what is counted."""

import re

from tests.system.attachments.files import Room, Sent, send
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
    async def counted(outcome: str) -> float:
        shown = (await folder_room.house.http.get("/metrics")).text
        found = re.search(rf'^attachment_uploads_total{{[^}}]*outcome="{outcome}"}} (\S+)$', shown, re.MULTILINE)
        return float(found[1]) if found else 0.0

    before = {outcome: await counted(outcome) for outcome in ("taken", "file_is_missing")}
    assert (await send(folder_room.agent, folder_room.thread, Sent())).status_code == 201
    assert (await send(folder_room.agent, folder_room.thread)).status_code == 422
    assert {outcome: await counted(outcome) for outcome in before} == {outcome: count + 1 for outcome, count in before.items()}
