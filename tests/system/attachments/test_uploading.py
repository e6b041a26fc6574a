"""Files are uploaded: whole or not at all, whatever is sent."""

import os

from tests.system.attachments.files import Room, Sent, attachments_of, send, sha256
from tests.system.people import expect

LIMIT = 5 * 1024 * 1024


async def test_a_file_is_taken_and_waits_for_its_scan(room: Room) -> None:
    content = os.urandom(100_000)
    answer = await send(room.client, room.thread, Sent(content, "trip.bin"))
    made = expect(answer, 201)
    assert answer.headers["location"] == made["url"] == f"/api/collab/attachments/{made['id']}"
    assert made == {
        "id": made["id"],
        "threadId": room.thread["id"],
        "messageId": None,
        "filename": "trip.bin",
        "url": made["url"],
        "size": 100_000,
        "mimeType": "application/octet-stream",
        "sha256": sha256(content),
        "scanStatus": "pending",
        "scanResult": None,
        "width": None,
        "height": None,
        "duration": None,
        "waveform": None,
        "previewAvailable": False,
        "thumbnailUrl": None,
        "uploadedById": room.client.id,
        "uploadedByRole": "client",
        "uploadedByName": "Ada Lovelace",
        "createdAt": made["createdAt"],
    }


async def test_several_files_are_taken_in_their_order(room: Room) -> None:
    files = [Sent(os.urandom(1_000 * number), f"{number}.bin") for number in range(1, 11)]
    answer = await send(room.client, room.thread, *files)
    made = expect(answer, 201)
    assert list(made) == ["attachments"]
    assert [(one["filename"], one["sha256"]) for one in made["attachments"]] == [(file.filename, sha256(file.content)) for file in files]
    assert answer.headers["location"] == attachments_of(room.thread)


async def test_a_file_of_no_bytes_is_a_file(room: Room) -> None:
    made = await room.clean(Sent(b"", "empty.txt"))
    assert (made["size"], made["sha256"]) == (0, sha256(b""))
    answer = await room.client.get(made["url"])
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
