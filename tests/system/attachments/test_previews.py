"""Pictures are shown small once they are clean: without a word of who took them and where, and never a bomb."""

from collections.abc import Callable
from io import BytesIO

import httpx2
import pytest
from PIL import Image

from tests.service.attachments.media.samples import SECRET, exif, gif_with_a_huge_screen, picture, png_of_zeros
from tests.system.attachments.files import Room, Sent, once, scan_ends
from tests.system.people import Json, expect, message_path, refusal, wrong_fields

PHOTO = picture((900, 600), "JPEG", exif=exif(6))  # held upright: 600 wide, 900 high
BOMBS: dict[str, Callable[[], bytes]] = {
    "a PNG of 2.5 billion pixels": lambda: png_of_zeros(50_000, 50_000),
    "a PNG just above the bound": lambda: png_of_zeros(7_100, 7_100),
    "a GIF with a huge screen": gif_with_a_huge_screen,
}
NO_PICTURES = {
    "a PNG of a page": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR<script>alert(1)</script>",
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a TIFF": picture(kind="TIFF"),
    "a text": b"hello",
}


async def shown(room: Room, content: bytes) -> Json:
    """A clean file of the client's that was read for what is shown of it."""
    file = await room.upload(Sent(content, "a.png", "image/png"))
    await scan_ends(room.house, file)
    return await once(room, room.client, file, lambda one: one["previewAvailable"] or one["unreadable"])


def image_of(answer: httpx2.Response) -> Image.Image:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    image = Image.open(BytesIO(answer.content), formats=["WEBP"])
    image.load()
    return image


async def test_a_picture_is_shown_in_the_size_that_was_asked_for_and_says_nothing_of_its_camera(room: Room) -> None:
    assert SECRET.encode() in PHOTO
    file = await shown(room, PHOTO)
    assert (file["width"], file["height"], file["previewAvailable"]) == (600, 900, True)
    assert file["thumbnailUrl"] == f"{file['url']}/preview?width=320"
    asked: dict[str, tuple[int, int]] = {
        "": (320, 480),
        "?width=1": (160, 240),
        "?width=161": (320, 480),
        "?width=320": (320, 480),
        "?width=4096": (600, 900),
        "?height=241": (320, 480),
        "?width=100&height=481": (600, 900),
        "?width=300&height=10": (320, 480),
        "?height=4096": (600, 900),
    }
    for query, size in asked.items():
        answer = await room.client.ask("GET", f"{file['url']}/preview{query}")
        image = image_of(answer)
        assert image.size == size, query
        assert (dict(image.getexif()), {"exif", "xmp", "icc_profile"} & set(image.info)) == ({}, set())
        assert SECRET.encode() not in answer.content
    assert image_of(await room.client.ask("GET", file["thumbnailUrl"])).size == (320, 480)


async def test_a_preview_is_served_as_files_are(room: Room) -> None:
    file = await shown(room, PHOTO)
    whole = await room.client.ask("GET", file["thumbnailUrl"])
    names = ("content-disposition", "x-content-type-options", "content-security-policy", "cache-control", "accept-ranges")
    assert [whole.headers[name] for name in names] == [
        *('inline; filename="a.png.webp"', "nosniff", "default-src 'none'; sandbox", "private, no-cache", "bytes")
    ]
    part = await room.client.ask("GET", file["thumbnailUrl"], range="bytes=4-9")
    assert (part.status_code, part.content) == (206, whole.content[4:10])
    head = await room.client.ask("HEAD", file["thumbnailUrl"])
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(whole.content)))
    known = await room.client.ask("GET", file["thumbnailUrl"], if_none_match=whole.headers["etag"])
    assert (known.status_code, known.content) == (304, b"")
    other = await room.client.ask("GET", f"{file['url']}/preview?width=160", if_none_match=whole.headers["etag"])
    assert other.status_code == 200, "another size is another thing"


@pytest.mark.parametrize("query", ["width=0", "width=4097", "width=wide", "height=0", "height=-1", "height=4097"])
async def test_a_size_that_is_none_is_refused(folder_room: Room, query: str) -> None:
    file = await folder_room.upload()
    answer = await folder_room.client.ask("GET", f"{file['url']}/preview?{query}")
    assert list(wrong_fields(answer)) == [query.partition("=")[0]]


async def test_a_messages_picture_has_its_preview_too(folder_room: Room) -> None:
    room = folder_room
    file = await room.upload(Sent(PHOTO, "a.jpg"))
    message = await room.client.say(room.thread, "look", attachmentIds=[file["id"]])
    await scan_ends(room.house, file)
    seen = await once(room, room.agent, file, lambda one: bool(one["previewAvailable"]))
    assert image_of(await room.agent.ask("GET", seen["thumbnailUrl"])).size == (320, 480)
    expect(await room.client.delete(message_path(message)), 204)
    assert refusal(await room.agent.ask("GET", seen["thumbnailUrl"])) == (404, "attachment_not_found")


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
async def test_a_bomb_is_not_unpacked_and_says_why_nothing_is_shown(folder_room: Room, bomb: Callable[[], bytes]) -> None:
    content = bomb()
    file = await shown(folder_room, content)
    assert (file["unreadable"], file["width"], file["previewAvailable"], file["thumbnailUrl"]) == ("too_large", None, False, None)
    assert refusal(await folder_room.client.get(f"{file['url']}/preview")) == (404, "preview_is_not_there")
    assert (await folder_room.client.get(file["url"])).content == content


async def test_a_damaged_picture_says_so(folder_room: Room) -> None:
    file = await shown(folder_room, PHOTO[:2_000])
    assert (file["unreadable"], file["previewAvailable"]) == ("broken", False)


@pytest.mark.parametrize("content", NO_PICTURES.values(), ids=NO_PICTURES)
async def test_what_is_no_picture_has_no_preview(folder_room: Room, content: bytes) -> None:
    file = await folder_room.clean(Sent(content, "a.png", "image/png"))
    assert refusal(await folder_room.client.get(f"{file['url']}/preview")) == (404, "preview_is_not_there")
    saved = await folder_room.client.get(file["url"], disposition="inline")
    assert saved.headers["content-disposition"] == 'attachment; filename="a.png"'
    assert saved.headers["content-type"] not in ("image/png", "image/webp")
