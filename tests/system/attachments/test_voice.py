"""Voice messages: what browsers and phones record is taken, and shown as it sounds once it was scanned."""

import asyncio

import pytest
from pydantic_core import from_json

from services.attachments.media.contents import LONGEST_SOUND, PEAKS
from tests.service.attachments.media.samples import film, picture, silence, sound
from tests.system.attachments.files import Room, Sent, once, scan_ends, send, sha256, speak
from tests.system.people import Json, expect, message_path, refusal, wrong_fields

LIMIT = 5 * 1024 * 1024
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "brand": "iso5"}  # as Safari and Chrome write while they record
RECORDED = {
    "audio/webm": sound("webm", "libopus", options={"live": "1"}),
    "audio/ogg": sound("ogg", "libopus"),
    "audio/mp4": sound("mp4", "aac", options=FRAGMENTED),
    "audio/mp4 of a phone": sound("ipod", "aac", rate=44_100),
    "audio/mp4 with its index at the end": sound("mp4", "aac", (0.9, 0.05, 0.5) * 5),
    "audio/mpeg": sound("mp3", "libmp3lame", rate=44_100),
    "audio/wav": sound("wav", "pcm_s16le", rate=16_000),
}
BROKEN = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(200)
NO_SOUNDS = {
    "a text": b"hello",
    "nothing": b"",
    "a picture": picture(),
    "a film": film(with_sound=True),
    "a page that begins as a song": b"ID3\x04\x00\x00\x00\x00\x00\x0a<script>alert(1)</script>",
    "a page": b"<!doctype html><script>alert(1)</script>",
    "what browsers do not play": sound("flac", "flac", (0.5,)),
}


async def spoken(room: Room, content: bytes, filename: str = "blob") -> Json:
    """Sent by the client, as a browser names it."""
    return expect(await speak(room.client, room.thread, Sent(content, filename, "audio/webm")), 201)


def is_read(file: Json) -> bool:
    return file["duration"] is not None or file["unreadable"] is not None


async def test_what_browsers_and_phones_record_is_taken_and_read_once_it_is_clean(room: Room) -> None:
    made = {name: await spoken(room, content) for name, content in RECORDED.items()}
    for name, file in made.items():
        assert (file["mimeType"], file["voice"], file["scanStatus"], file["duration"]) == (name.split()[0], True, "pending", None)
    for file in made.values():
        await scan_ends(room.house, file)
    for name, file in made.items():
        shown = await once(room, room.client, file, is_read)
        assert shown["duration"] == pytest.approx(15 if "end" in name else 3, abs=0.1), name
        assert (len(shown["waveform"]), shown["unreadable"], shown["previewAvailable"]) == (PEAKS, None, False)
        assert 80 <= max(shown["waveform"]) <= 100, name
        assert min(shown["waveform"]) <= 10, name


async def test_it_is_scanned_before_it_is_read_and_every_step_is_told(scanned_room: Room) -> None:
    room, content = scanned_room, RECORDED["audio/webm"]
    answer = await speak(room.client, room.thread, Sent(content, "blob"))
    made = expect(answer, 201)
    assert answer.headers["location"] == made["url"]
    assert (made["filename"], made["size"], made["sha256"]) == ("voice.webm", len(content), sha256(content))
    shown = await once(room, room.client, made, is_read)
    rows = await room.house.database.fetch("SELECT data FROM attachments.outbox WHERE subject LIKE $1 ORDER BY id", f"%.{room.client.id}")
    said = [from_json(row["data"]) for row in rows]
    assert [(one["change"], one["attachment"]["scanStatus"], one["attachment"]["duration"]) for one in said] == [
        ("uploaded", "pending", None),
        ("scanned", "scanning", None),
        ("scanned", "clean", None),
        ("previewed", "clean", shown["duration"]),
    ]
    assert said[-1]["attachment"]["waveform"] == shown["waveform"]
    heard = await room.client.get(made["url"], disposition="inline")
    assert (heard.content, heard.headers["content-type"]) == (content, "audio/webm")
    assert heard.headers["content-disposition"] == 'inline; filename="voice.webm"'


async def test_it_is_posted_as_any_file_is_and_its_message_shows_how_it_sounds(folder_room: Room) -> None:
    room = folder_room
    file = await spoken(room, RECORDED["audio/ogg"])
    message = await room.client.say(room.thread, "", attachmentIds=[file["id"]])
    assert message["attachments"] == [file | {"messageId": message["id"]}]
    await scan_ends(room.house, file)
    shown = await once(room, room.agent, file, is_read)

    async with asyncio.timeout(20):
        while (held := expect(await room.agent.get(message_path(message)), 200)["attachments"][0])["duration"] is None:
            await asyncio.sleep(0.05)
    assert held == shown
    assert (await room.agent.get(file["url"])).content == RECORDED["audio/ogg"]


@pytest.mark.parametrize("content", NO_SOUNDS.values(), ids=NO_SOUNDS)
async def test_what_is_no_sound_is_refused_and_leaves_nothing(room: Room, content: bytes) -> None:
    before = await room.kept()
    answer = await speak(room.client, room.thread, Sent(content, "voice.webm", "audio/webm"))
    assert refusal(answer) == (422, "file_is_not_a_sound")
    assert await room.kept() == before


@pytest.mark.parametrize(
    ("content", "why"),
    [(BROKEN, "broken"), (silence(int(LONGEST_SOUND) + 60, rate=1_000), "too_large"), (RECORDED["audio/webm"][:300], "broken")],
    ids=["damaged", "too long", "cut"],
)
async def test_what_cannot_be_played_says_so_once_it_is_clean(folder_room: Room, content: bytes, why: str) -> None:
    room = folder_room
    file = await spoken(room, content)
    message = await room.client.say(room.thread, "", attachmentIds=[file["id"]])
    await scan_ends(room.house, file)
    shown = await once(room, room.agent, file, is_read)
    assert (shown["unreadable"], shown["duration"], shown["waveform"]) == (why, None, None)
    rows = await room.house.database.fetch(
        "SELECT data FROM attachments.outbox WHERE subject LIKE $1 ORDER BY id", f"%.{room.thread['id']}"
    )
    last = from_json(rows[-1]["data"])
    assert (last["change"], last["attachment"]["unreadable"], last["attachment"]["messageId"]) == ("previewed", why, message["id"])
    assert (await room.agent.get(file["url"])).content == content


async def test_one_too_large_leaves_nothing_and_so_do_two_at_once(room: Room) -> None:
    before, whole = await room.kept(), Sent(RECORDED["audio/ogg"], "a.ogg")
    assert refusal(await speak(room.client, room.thread, Sent(silence(1) + bytes(LIMIT)))) == (413, "file_is_too_large")
    assert wrong_fields(await speak(room.client, room.thread, whole, whole)) == {"file": "too_long"}
    assert refusal(await speak(room.client, room.thread)) == (422, "file_is_missing")
    assert await room.kept() == before


async def test_a_retry_with_the_same_key_answers_with_what_was_made(folder_room: Room) -> None:
    room, voice = folder_room, Sent(RECORDED["audio/mpeg"], "song.mp3")
    first, again = [await speak(room.client, room.thread, voice, idempotency_key="a key") for _ in range(2)]
    assert expect(again, 201) == expect(first, 201)
    assert (again.headers["idempotent-replayed"], "idempotent-replayed" in first.headers) == ("true", False)
    other = await speak(room.client, room.thread, Sent(RECORDED["audio/wav"]), idempotency_key="a key")
    assert refusal(other) == (409, "key_was_used_for_another")
    file = expect(await send(room.client, room.thread, voice, idempotency_key="a key"), 201)
    assert (file["id"] != first.json()["id"], file["voice"], first.json()["voice"], file["filename"]) == (True, False, True, "song.mp3")


@pytest.mark.parametrize(("said", "kept"), [("blob", "voice.ogg"), ("../", "voice.ogg"), ("a.txt", "a.txt"), ("to Ada.ogg", "to Ada.ogg")])
async def test_what_has_no_name_of_its_own_gets_one(folder_room: Room, said: str, kept: str) -> None:
    assert (await spoken(folder_room, RECORDED["audio/ogg"], said))["filename"] == kept
