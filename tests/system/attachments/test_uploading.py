"""Files are uploaded: whole or not at all, whatever is sent."""

import pytest

from tests.samples import noise
from tests.system.attachments.files import Room, Sent, attachments_of, form, send, sha256
from tests.system.people import expect, path_of, refusal, wrong_fields

LIMIT = 5 * 1024 * 1024


async def test_a_file_is_taken_and_waits_for_its_scan(room: Room) -> None:
    content = noise(100_000)
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
        "voice": False,
        "width": None,
        "height": None,
        "duration": None,
        "waveform": None,
        "unreadable": None,
        "previewAvailable": False,
        "thumbnailUrl": None,
        "uploadedById": room.client.id,
        "uploadedByRole": "client",
        "uploadedByName": "Ada Lovelace",
        "createdAt": made["createdAt"],
    }


async def test_several_files_are_taken_in_their_order(room: Room) -> None:
    files = [Sent(noise(1_000 * number), f"{number}.bin") for number in range(1, 11)]
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


NAMES = {
    "../../etc/passwd": "passwd",
    "C:\\Users\\ada\\trip.pdf": "trip.pdf",
    "a/../b.txt": "b.txt",
    "..": "file",
    "/": "file",
    "...": "file",
    " . ": "file",
    "  trip.pdf  ": "trip.pdf",
    ".htaccess": ".htaccess",
    "photo\u202egnp.exe": "photognp.exe",
    "\u200f\u2067\ufeff": "file",
    "a\x00b\x7f\x85.txt": "ab.txt",
    "e\u0301.txt": "\u00e9.txt",
    "x" * 5_000 + ".pdf": "x" * 508 + ".pdf",
    "x" * 5_000: "x" * 512,
    "👩‍🚀" * 1_000 + ".png": ("👩‍🚀" * 170)[:508] + ".png",
    "'; DROP TABLE attachments": "'; DROP TABLE attachments",
    "<script>.html": "<script>.html",
}


@pytest.mark.parametrize(("said", "kept"), NAMES.items(), ids=range(len(NAMES)))
async def test_a_name_is_kept_as_a_name_and_nothing_else(room: Room, said: str, kept: str) -> None:
    made = await room.upload(Sent(filename=said))
    assert made["filename"] == kept


DISPOSITIONS = {
    b'form-data; name="file"; filename="say %22hi%22.txt"': 'say "hi".txt',
    b'form-data; name="file"; filename="say \\"hi\\".txt"': 'say "hi".txt',
    b'form-data; name="file"; filename="a%0D%0ASet-Cookie: b=c.txt"': "a%0D%0ASet-Cookie: b=c.txt",
    b"form-data; name=\"file\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b=c.txt": "aSet-Cookie: b=c.txt",
    b"form-data; name=file; filename=trip.pdf": "trip.pdf",
    b'form-data; name="file"; filename="K\xf6ln.pdf"': "Köln.pdf",
    b"form-data; name=\"file\"; filename*=UTF-8''K%C3%B6ln.pdf": "Köln.pdf",
    b'form-data; name="file"; filename="plain.pdf"; filename*=UTF-8\'\'other.pdf': "plain.pdf",
    b'form-data; name="file"; filename="a;b=c.txt"': "a;b=c.txt",
    b'FORM-DATA; NAME="file"; FILENAME="a.txt"': "a.txt",
}


@pytest.mark.parametrize(("disposition", "kept"), DISPOSITIONS.items(), ids=range(len(DISPOSITIONS)))
async def test_a_name_is_read_in_the_ways_in_which_it_is_written(room: Room, disposition: bytes, kept: str) -> None:
    assert (await room.upload(Sent(disposition=disposition)))["filename"] == kept


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html><script>alert(1)</script>", "text/html"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"%PDF-1.7", "application/pdf"),
        (bytes(range(128, 256)) + b"\0", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
async def test_a_type_is_that_of_the_bytes_and_not_what_the_client_says(folder_room: Room, content: bytes, kind: str) -> None:
    assert (await folder_room.upload(Sent(content, "a.png", "image/png")))["mimeType"] == kind


def malformed() -> dict[str, bytes]:
    good = form(Sent())
    return {
        "nothing": b"",
        "no form": b"hello",
        "another boundary": good.replace(b"a-boundary", b"another"),
        "no end": good.removesuffix(b"--\r\n"),
        "half": good[: len(good) // 2],
        "no name": form(Sent(disposition=b'form-data; filename="a"')),
        "no disposition": good.replace(b"Content-Disposition", b"Content-Nothing"),
        "no form-data": form(Sent(disposition=b'attachment; name="file"; filename="a"')),
        "a header without a colon": good.replace(b"Content-Type: ", b"Content-Type "),
        "too long a header": form(Sent(filename="x" * 20_000)),
        "too many headers": good.replace(b"Content-Type", b"X-A: b\r\n" * 20 + b"Content-Type"),
    }


@pytest.mark.parametrize(("content"), malformed().values(), ids=malformed().keys())
async def test_a_form_that_cannot_be_read_is_malformed_and_leaves_nothing(room: Room, content: bytes) -> None:
    before = await room.kept()
    assert refusal(await send(room.client, room.thread, content=content)) == (400, "form_is_malformed")
    assert await room.kept() == before


@pytest.mark.parametrize(
    "kind",
    [
        *("", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x"),
        *("application/x-www-form-urlencoded", "multipart/form-data; boundary=" + "x" * 71),
    ],
)
async def test_nothing_but_a_form_is_taken(folder_room: Room, kind: str) -> None:
    answer = await send(folder_room.client, folder_room.thread, Sent(), content_type=kind)
    assert refusal(answer) == (415, "form_is_expected")
    assert refusal(await send(folder_room.client, folder_room.thread, Sent(), content_encoding="gzip")) == (415, "form_is_expected")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (form(), "file_is_missing"),
        (form(Sent(disposition=b'form-data; name="file"')), "file_is_missing"),
        (form(Sent(disposition=b'form-data; name="file"; filename=""', content=b"")), "file_is_missing"),
        (form(Sent(), Sent(disposition=b'form-data; name="file"')), "file_is_missing"),
    ],
    ids=["no part", "no filename", "an empty filename", "a field behind a file"],
)
async def test_a_form_without_a_file_is_refused(room: Room, content: bytes, code: str) -> None:
    before = await room.kept()
    assert refusal(await send(room.client, room.thread, content=content)) == (422, code)
    assert await room.kept() == before


async def test_a_part_of_another_name_is_refused_by_its_name(room: Room) -> None:
    before = await room.kept()
    answer = await send(room.client, room.thread, Sent(), Sent(field="document"))
    assert wrong_fields(answer) == {"document": "unknown_field"}
    assert await room.kept() == before


async def test_eleven_files_are_too_many_and_none_is_kept(room: Room) -> None:
    before = await room.kept()
    assert wrong_fields(await send(room.client, room.thread, *[Sent()] * 11)) == {"file": "too_long"}
    assert await room.kept() == before


async def test_a_file_of_the_limit_is_taken_and_one_byte_more_leaves_nothing(room: Room) -> None:
    before = await room.kept()
    answer = await send(room.client, room.thread, Sent(b"x" * (LIMIT + 1)))
    assert refusal(answer) == (413, "file_is_too_large")
    assert answer.headers["connection"] == "close"
    assert await room.kept() == before
    assert (await room.upload(Sent(b"x" * LIMIT)))["size"] == LIMIT


async def test_of_two_files_none_is_kept_where_one_is_too_large(room: Room) -> None:
    before = await room.kept()
    for files in ([Sent(), Sent(b"x" * (LIMIT + 1))], [Sent(b"x" * (LIMIT + 1)), Sent()]):
        assert refusal(await send(room.client, room.thread, *files)) == (413, "file_is_too_large")
    assert await room.kept() == before


async def test_who_may_not_post_may_not_upload(folder_room: Room) -> None:
    stranger, before = await folder_room.house.person(), await folder_room.kept()
    assert refusal(await send(stranger, folder_room.thread, Sent())) == (404, "thread_not_found")
    for state, code in (("closed", "thread_is_closed"), ("archived", "thread_is_archived")):
        expect(await folder_room.agent.patch(path_of(folder_room.thread), {"state": state}), 200)
        assert refusal(await send(folder_room.client, folder_room.thread, Sent())) == (409, code)
    assert await folder_room.kept() == before


async def test_a_retry_with_the_same_key_answers_with_what_was_made(room: Room) -> None:
    files, before = [Sent(noise(10)), Sent(noise(20))], await room.kept()
    first = await send(room.client, room.thread, *files, idempotency_key="a key")
    again = await send(room.client, room.thread, *files, idempotency_key="a key")
    assert expect(again, 201) == expect(first, 201)
    assert (again.headers["idempotent-replayed"], "idempotent-replayed" in first.headers) == ("true", False)
    other = await send(room.client, room.thread, Sent(b"other"), idempotency_key="a key")
    assert refusal(other) == (409, "key_was_used_for_another")
    assert await room.kept() == (before[0] + 2, before[1] + 2)


async def test_a_retry_after_the_file_was_deleted_finds_it_deleted(folder_room: Room) -> None:
    made = expect(await send(folder_room.client, folder_room.thread, Sent(), idempotency_key="k"), 201)
    expect(await folder_room.client.delete(made["url"]), 204)
    assert refusal(await send(folder_room.client, folder_room.thread, Sent(), idempotency_key="k")) == (404, "attachment_not_found")
