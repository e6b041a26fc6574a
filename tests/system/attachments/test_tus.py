"""tus 1.0.0 as its clients speak it: what is asked, what is answered, and what is refused."""

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from shared.identifiers import new_id
from tests.samples import noise
from tests.system.attachments.files import Room, sha256
from tests.system.attachments.tus import (
    OFFSET_STREAM,
    TUS,
    UPLOADS,
    bytes_of,
    content_of,
    create,
    creating,
    end,
    finished,
    head,
    id_of,
    kept,
    leaves,
    metadata,
    offset_of,
    patch,
)
from tests.system.people import expect, path_of, refusal, wrong_fields

LIMIT = 5 * 1024 * 1024


async def test_an_upload_in_one_piece_is_an_attachment(room: Room) -> None:
    content = noise(100_000)
    path = await create(room.client, room.thread, len(content), filename="trip.bin")
    made = await finished(room.client, path, content)
    assert (made["filename"], made["size"], made["sha256"], made["scanStatus"]) == ("trip.bin", 100_000, sha256(content), "pending")
    assert await bytes_of(room, made) == content


@pytest.mark.parametrize("cuts", [(1,), (4_999, 5_000), (1_000_000, 4_500_000), (2_500_000,)])
async def test_an_upload_in_pieces_is_put_together(room: Room, cuts: tuple[int, ...]) -> None:
    content = content_of(5)
    path = await create(room.client, room.thread, len(content))
    begin = 0
    for cut in cuts:
        answer = await patch(room.client, path, begin, content[begin:cut])
        assert (answer.status_code, answer.headers["upload-offset"], answer.content) == (204, str(cut), b"")
        assert await offset_of(room.client, path) == cut
        begin = cut
    made = await finished(room.client, path, content, begin=begin)
    assert (made["sha256"], await bytes_of(room, made)) == (sha256(content), content)


async def test_an_upload_that_has_begun_says_how_far_it_is(room: Room) -> None:
    said = metadata(threadId=room.thread["id"], filename="Köln.txt") + ",mark"
    answer = await room.client.http.post(UPLOADS, headers={**room.client.bearer, **TUS, "upload-length": "10", "upload-metadata": said})
    begun = expect(answer, 201)
    assert answer.headers["location"] == f"{UPLOADS}/{begun['id']}"
    assert (begun["threadId"], begun["size"], begun["offset"], begun["attachmentId"]) == (room.thread["id"], 10, 0, None)
    ends = parsedate_to_datetime(answer.headers["upload-expires"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < ends <= timedelta(hours=24)
    asked = await head(room.client, answer.headers["location"])
    assert (asked.status_code, asked.content) == (200, b"")
    assert {name: asked.headers[name] for name in ("upload-offset", "upload-length", "upload-metadata", "cache-control")} == {
        "upload-offset": "0",
        "upload-length": "10",
        "upload-metadata": said,
        "cache-control": "no-store",
    }
    assert asked.headers["upload-expires"] == answer.headers["upload-expires"]


async def test_a_complete_upload_says_so_for_whom_the_answer_was_lost(room: Room) -> None:
    path = await create(room.client, room.thread)
    await finished(room.client, path, b"hello")
    asked = await head(room.client, path)
    assert (asked.headers["upload-offset"], asked.headers["upload-length"]) == ("5", "5")
    assert asked.headers["content-location"] == f"/api/collab/attachments/{id_of(path)}"
    assert "upload-expires" not in asked.headers
    assert (await patch(room.client, path, 5)).status_code == 204
    assert refusal(await patch(room.client, path, 5, b"!")) == (413, "body_is_too_large")
    assert refusal(await patch(room.client, path, 0, b"hello")) == (409, "upload_offset_is_another")


async def test_an_upload_of_no_bytes_is_complete_when_it_begins(room: Room) -> None:
    answer = await room.client.http.post(UPLOADS, headers={**room.client.bearer, **creating(room.thread["id"], 0, "empty.txt")})
    begun = expect(answer, 201)
    assert answer.headers["content-location"] == f"/api/collab/attachments/{begun['id']}"
    (made,) = await room.listed(room.client)
    assert (made["id"], made["size"], made["sha256"], made["filename"]) == (begun["id"], 0, sha256(b""), "empty.txt")
    assert await bytes_of(room, made) == b""


async def test_what_is_spoken_is_told_to_anybody(folder_room: Room) -> None:
    for path in (UPLOADS, f"{UPLOADS}/{new_id()}"):
        answer = await folder_room.client.http.options(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert {name: answer.headers[name] for name in answer.headers if name.startswith("tus-")} == {
            "tus-resumable": "1.0.0",
            "tus-version": "1.0.0",
            "tus-extension": "creation,expiration,checksum,termination",
            "tus-max-size": str(LIMIT),
            "tus-checksum-algorithm": "sha1,sha256,sha512,md5",
        }


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1", ""])
async def test_another_version_of_the_protocol_is_refused_with_ours(folder_room: Room, version: str | None) -> None:
    path = await create(folder_room.client, folder_room.thread)
    headers = {**folder_room.client.bearer, **OFFSET_STREAM, "upload-offset": "0"} | ({} if version is None else {"tus-resumable": version})
    for method, where in (("POST", UPLOADS), ("PATCH", path), ("DELETE", path)):
        answer = await folder_room.client.http.request(method, where, headers=headers)
        assert refusal(answer) == (412, "tus_version_is_not_supported")
        assert (answer.headers["tus-version"], answer.headers["tus-resumable"]) == ("1.0.0", "1.0.0")
    assert await offset_of(folder_room.client, path) == 0


async def test_every_answer_says_the_version(folder_room: Room) -> None:
    path, http = await create(folder_room.client, folder_room.thread), folder_room.client.http
    answers = [
        await http.post(UPLOADS),
        await http.post(UPLOADS, headers=folder_room.client.bearer),
        await http.get(UPLOADS),
        await http.put(path, headers={**folder_room.client.bearer, **TUS}),
        await head(folder_room.client, f"{UPLOADS}/none"),
        await patch(folder_room.client, path, 3, b"lo"),
        await patch(folder_room.client, path, 0, b"hel"),
        await end(folder_room.client, path),
        await head(folder_room.client, path),
    ]
    assert [answer.status_code for answer in answers] == [401, 412, 405, 405, 404, 409, 204, 204, 404]
    assert {answer.headers["tus-resumable"] for answer in answers} == {"1.0.0"}


async def test_bytes_go_on_where_the_upload_is_and_nowhere_else(room: Room) -> None:
    path = await create(room.client, room.thread)
    for offset, content in ((1, b"ello"), (5, b""), (10**17, b"x")):
        assert refusal(await patch(room.client, path, offset, content)) == (409, "upload_offset_is_another")
    assert (await patch(room.client, path, 0, b"he")).status_code == 204
    assert refusal(await patch(room.client, path, 0, b"hello")) == (409, "upload_offset_is_another")
    assert await offset_of(room.client, path) == 2


async def test_nothing_but_a_stream_of_bytes_is_taken(folder_room: Room) -> None:
    path = await create(folder_room.client, folder_room.thread)
    for kind in ("application/octet-stream", "", "application/json"):
        answer = await patch(folder_room.client, path, 0, b"hello", content_type=kind)
        assert refusal(answer) == (415, "offset_stream_is_expected")
    assert refusal(await patch(folder_room.client, path, 0, b"hello", content_encoding="gzip")) == (415, "offset_stream_is_expected")
    assert await offset_of(folder_room.client, path) == 0


@pytest.mark.parametrize("offset", ["", "-1", "1.0", "+1", "0x0", "9" * 30])
async def test_an_offset_that_is_no_number_is_refused_by_its_name(folder_room: Room, offset: str) -> None:
    path = await create(folder_room.client, folder_room.thread)
    answer = await patch(folder_room.client, path, 0, b"hello", upload_offset=offset)
    assert wrong_fields(answer) == {"Upload-Offset": "invalid"}


async def test_more_than_was_announced_is_refused_and_not_kept(room: Room) -> None:
    path = await create(room.client, room.thread)

    async def unannounced() -> AsyncIterator[bytes]:
        yield b"hello"
        yield b" world"

    for content in (b"hello world", unannounced()):
        assert refusal(await patch(room.client, path, 0, content)) == (413, "body_is_too_large")
    assert await offset_of(room.client, path) == 0


async def test_bytes_of_unknown_number_are_taken_as_they_come(room: Room) -> None:
    content = content_of(4.9)

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), 10_007):
            yield content[begin : begin + 10_007]

    path = await create(room.client, room.thread, len(content))
    assert (await patch(room.client, path, 0, pieces())).headers["upload-offset"] == str(len(content))
    (made,) = await room.listed(room.client)
    assert (made["sha256"], await bytes_of(room, made)) == (sha256(content), content)


WRONG = {
    "no length": ({"upload-length": None}, {"Upload-Length": "missing"}),
    "no number": ({"upload-length": "five"}, {"Upload-Length": "invalid"}),
    "a negative length": ({"upload-length": "-1"}, {"Upload-Length": "invalid"}),
    "a length to be told later": ({"upload-length": None, "upload-defer-length": "1"}, {"Upload-Defer-Length": "not_supported"}),
    "a part of another": ({"upload-concat": "partial"}, {"Upload-Concat": "not_supported"}),
    "no metadata": ({"upload-metadata": None}, {"threadId": "missing"}),
    "no thread": ({"upload-metadata": metadata(filename="a")}, {"threadId": "missing"}),
    "a thread that is none": ({"upload-metadata": metadata(threadId="x")}, {"threadId": "invalid"}),
    "no Base64": ({"upload-metadata": "threadId a-b"}, {"Upload-Metadata": "invalid"}),
    "half of Base64": ({"upload-metadata": "threadId YQ"}, {"Upload-Metadata": "invalid"}),
    "a key twice": ({"upload-metadata": "a YQ==,a YQ=="}, {"Upload-Metadata": "invalid"}),
    "no key": ({"upload-metadata": ", YQ=="}, {"Upload-Metadata": "invalid"}),
    "too much": ({"upload-metadata": metadata(a="x" * 8_000)}, {"Upload-Metadata": "too_long"}),
}


@pytest.mark.parametrize(("headers", "fields"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_wrong_with_a_beginning_is_named(folder_room: Room, headers: dict[str, str | None], fields: dict[str, str]) -> None:
    sent = {**folder_room.client.bearer, **creating(folder_room.thread["id"]), **headers}
    answer = await folder_room.client.http.post(UPLOADS, headers={name: value for name, value in sent.items() if value is not None})
    assert wrong_fields(answer) == fields


async def test_bytes_do_not_come_with_the_beginning(folder_room: Room) -> None:
    headers = {**folder_room.client.bearer, **creating(folder_room.thread["id"]), **OFFSET_STREAM}
    assert wrong_fields(await folder_room.client.http.post(UPLOADS, content=b"hello", headers=headers)) == {"body": "not_empty"}


async def test_a_file_over_the_limit_is_refused_before_it_comes(folder_room: Room) -> None:
    before = await kept(folder_room)
    headers = {**folder_room.client.bearer, **creating(folder_room.thread["id"], LIMIT + 1)}
    assert refusal(await folder_room.client.http.post(UPLOADS, headers=headers)) == (413, "file_is_too_large")
    await leaves(folder_room, before)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "md5"])
async def test_a_checksum_that_is_right_lets_bytes_in_and_one_that_is_wrong_keeps_them_out(room: Room, algorithm: str) -> None:
    content = content_of(5)
    path, half = await create(room.client, room.thread, len(content)), len(content) // 2

    def said(part: bytes) -> str:
        return f"{algorithm} {b64encode(hashlib.new(algorithm, part).digest()).decode()}"

    for part in (content[:half], content):
        answer = await patch(room.client, path, 0, part[:-1] + bytes([part[-1] ^ 1]), upload_checksum=said(part))
        assert refusal(answer) == (460, "checksum_is_another")
        assert await offset_of(room.client, path) == 0
    assert (await patch(room.client, path, 0, content[:half], upload_checksum=said(content[:half]))).status_code == 204
    assert (await patch(room.client, path, half, content[half:], upload_checksum=said(content[half:]))).status_code == 204
    (made,) = await room.listed(room.client)
    assert made["sha256"] == sha256(content)


@pytest.mark.parametrize("said", ["crc32 AAAA", "sha1", "sha1 no-base64", "", "SHA1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="])
async def test_a_checksum_that_is_not_understood_is_refused(folder_room: Room, said: str) -> None:
    path = await create(folder_room.client, folder_room.thread)
    answer = await patch(folder_room.client, path, 0, b"hello", upload_checksum=said)
    assert answer.status_code in (400, 460)
    assert await offset_of(folder_room.client, path) == 0


async def test_an_upload_that_is_ended_is_gone_with_all_that_came(room: Room) -> None:
    before = await kept(room)
    path = await create(room.client, room.thread, 10)
    for offset in range(3):
        await patch(room.client, path, offset, b"x")
    assert (await end(room.client, path)).status_code == 204
    await leaves(room, before)
    for answer in (await patch(room.client, path, 3, b"x"), await end(room.client, path)):
        assert refusal(answer) == (404, "upload_not_found")
    assert (await head(room.client, path)).status_code == 404


async def test_ending_a_complete_upload_leaves_its_attachment(room: Room) -> None:
    path = await create(room.client, room.thread)
    made = await finished(room.client, path, b"hello")
    assert (await end(room.client, path)).status_code == 204
    assert (await head(room.client, path)).status_code == 404
    assert [one["id"] for one in await room.listed(room.client)] == [made["id"]]
    assert await bytes_of(room, made) == b"hello"


async def test_whoever_cannot_send_a_method_says_it_in_a_header(folder_room: Room) -> None:
    path, client = await create(folder_room.client, folder_room.thread), folder_room.client

    async def posted(meant: str, content: bytes = b"", **more: str) -> tuple[int, str | None]:
        headers = {**client.bearer, **TUS, **more, "x-http-method-override": meant}
        answer = await client.http.post(path, content=content, headers=headers)
        return answer.status_code, answer.headers.get("upload-offset")

    assert await posted("PATCH", b"hel", **OFFSET_STREAM, **{"upload-offset": "0"}) == (204, "3")
    assert await posted("HEAD") == (200, "3")
    assert await posted("DELETE") == (204, None)
    assert await posted("PUT") == (405, None)
    elsewhere = await client.http.post(path_of(folder_room.thread), headers={**client.bearer, "x-http-method-override": "DELETE"})
    assert refusal(elsewhere) == (405, "method_is_not_allowed")
