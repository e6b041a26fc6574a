"""Files of every kind go the whole way, through a real clamd: what it did not find clean gives nobody a byte."""

import asyncio
from collections.abc import Callable

import pytest
from clamd import EICAR

from tests.samples import HARMLESS, VIRUSES, in_encrypted_zip, in_zip, zeros_in_gz, zeros_in_zip_in_zip
from tests.service.attachments.media.samples import picture
from tests.system.attachments.files import Room, Sent, once
from tests.system.people import Json, expect, message_path, messages_of, refusal

TRIES = 10
PAGE = b"<!doctype html><script>alert(1)</script>"
UNSCANNABLE: dict[str, Callable[[], bytes]] = {
    "a virus in zips 20 deep": lambda: in_zip(EICAR, 20),
    "an encrypted zip": lambda: in_encrypted_zip(EICAR),
    "a zip bomb": lambda: zeros_in_zip_in_zip(256),
    "a gz bomb": lambda: zeros_in_gz(256),
}
POLYGLOTS: dict[str, Callable[[], bytes]] = {
    "a GIF that is a script": lambda: b"GIF89a=0/*" + PAGE + b"*/",
    "a PNG that is a page": lambda: picture() + PAGE,
    "a JPEG that says PHP": lambda: picture(kind="JPEG", comment=b"<?php system($_GET['a']); ?>"),
    "a PDF that is a zip": lambda: b"%PDF-1.7\n" + in_zip(b"hello"),
    "a PNG that is a zip": lambda: picture() + in_zip(b"hello"),
    "a song that is a page": lambda: b"ID3\x04\x00\x00\x00\x00\x00\x0a" + PAGE,
    "a page in another encoding": lambda: PAGE.decode().encode("utf-16"),
}
UNSHOWN = {"image/svg+xml", "text/html", "application/xml", "application/octet-stream", "application/pdf", "text/plain"}


async def posted_unscanned(room: Room, sent: Sent) -> tuple[Json, Json]:
    """A file, and the message that it was posted with before its scan ended: where that was faster, it is tried again."""
    for _ in range(TRIES):
        file = await room.upload(sent)
        answer = await room.client.post(messages_of(room.thread), {"content": "look", "attachmentIds": [file["id"]]})
        if answer.status_code == 201:
            return file, answer.json()
        assert refusal(answer) == (422, "attachment_is_not_usable")
        expect(await room.client.delete(file["url"]), 204)
    raise AssertionError("its scan was always faster")


async def ends(room: Room, content: bytes) -> Json:
    """What became of a file that was posted at once."""
    file, _ = await posted_unscanned(room, Sent(content, "a.png", "image/png"))
    return await once(room, room.agent, file, lambda one: one["scanStatus"] not in ("pending", "scanning"))


async def gives_nothing(room: Room, file: Json) -> None:
    for reader in (room.client, room.agent, room.house.host):
        for answer in (
            await reader.get(file["url"]),
            await reader.ask("HEAD", file["url"]),
            await reader.ask("GET", file["url"], range="bytes=0-0"),
            await reader.get(f"{file['url']}/preview"),
            await reader.post(f"{file['url']}/link", {}),
        ):
            assert answer.status_code == 409
            if answer.content:
                assert refusal(answer) == (409, "attachment_is_not_clean")
                assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("scanStatus", file["scanStatus"])]


@pytest.mark.parametrize("virus", VIRUSES.values(), ids=VIRUSES)
async def test_a_virus_is_seen_by_nobody_and_named_to_those_who_may_know(scanned_room: Room, virus: Callable[[], bytes]) -> None:
    file = await ends(scanned_room, virus())
    assert file["scanStatus"] == "infected"
    assert file["scanResult"].startswith("Eicar-Test-Signature"), "an agent may know"
    (to_its_uploader,) = await scanned_room.listed(scanned_room.client)
    assert (to_its_uploader["scanStatus"], to_its_uploader["scanResult"]) == ("infected", None)
    await gives_nothing(scanned_room, file)


async def test_a_virus_that_got_into_no_message_is_named_to_those_who_may_know(scanned_room: Room) -> None:
    room = scanned_room
    file = await room.upload(Sent(EICAR))
    found = await once(room, room.agent, file, lambda one: one["scanStatus"] == "infected")
    assert found["scanResult"].startswith("Eicar-Test-Signature")
    assert refusal(await room.agent.get(file["url"])) == (404, "attachment_not_found")
    harmless = await room.upload()
    await once(room, room.client, harmless, lambda one: one["scanStatus"] == "clean")
    assert [one["id"] for one in await room.listed(room.agent)] == [file["id"]], "what else is in no message is its uploader's alone"


@pytest.mark.parametrize("sample", UNSCANNABLE.values(), ids=UNSCANNABLE)
async def test_what_clamd_cannot_look_into_is_seen_by_nobody(scanned_room: Room, sample: Callable[[], bytes]) -> None:
    file = await ends(scanned_room, sample())
    assert file["scanStatus"] == "unscannable"
    await gives_nothing(scanned_room, file)


@pytest.mark.parametrize("sample", HARMLESS.values(), ids=HARMLESS)
async def test_what_is_harmless_comes_back_byte_by_byte_and_is_never_run(scanned_room: Room, sample: Callable[[], bytes]) -> None:
    content = sample()[: 5 * 1024 * 1024]
    file = await ends(scanned_room, content)
    assert file["scanStatus"] == "clean"
    answer = await scanned_room.agent.get(file["url"], disposition="inline")
    assert answer.content == content
    assert answer.headers["content-type"] in UNSHOWN
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert (answer.headers["x-content-type-options"], "sandbox" in answer.headers["content-security-policy"]) == ("nosniff", True)


@pytest.mark.parametrize("sample", POLYGLOTS.values(), ids=POLYGLOTS)
async def test_what_is_two_things_at_once_is_run_as_neither(scanned_room: Room, sample: Callable[[], bytes]) -> None:
    content = sample()
    file = await ends(scanned_room, content)
    assert file["scanStatus"] == "clean"
    answer = await scanned_room.agent.get(file["url"], disposition="inline")
    assert answer.content == content
    assert answer.headers["content-type"] in UNSHOWN | {"image/png"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    if answer.headers["content-type"] != "image/png":
        assert answer.headers["content-disposition"] == 'attachment; filename="a.png"'


async def test_what_a_scan_found_is_in_the_message_without_its_name(scanned_room: Room) -> None:
    room = scanned_room
    _, message = await posted_unscanned(room, Sent(EICAR))
    async with asyncio.timeout(30):
        while (held := expect(await room.agent.get(message_path(message)), 200)["attachments"][0])["scanStatus"] != "infected":
            await asyncio.sleep(0.05)
    assert held["scanResult"] is None
