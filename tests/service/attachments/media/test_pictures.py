"""Pictures get previews that are small, upright and say nothing of who took them; what is no picture, or too much of one, is refused."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from services.attachments.media.contents import WIDTHS, CannotBeRead, Picture, Reason
from services.attachments.media.pool import Decoders
from tests.service.attachments.media import samples
from tests.service.attachments.media.workers import chunks


def seen(preview: bytes) -> Image.Image:
    image = Image.open(BytesIO(preview), formats=["WEBP"])
    image.load()
    return image


def sizes(picture: Picture) -> dict[int, tuple[int, int]]:
    return {width: seen(preview).size for width, preview in picture.previews.items()}


def colour(image: Image.Image, x: float, y: float) -> str:
    """The name of the colour at a place of the image, from 0 to 1."""
    pixel = image.convert("RGB").getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(pixel, tuple)
    return {(True, False): "red", (False, True): "blue"}[pixel[0] > 150, pixel[2] > 150]


async def refusal(decoders: Decoders, content: bytes) -> Reason:
    with pytest.raises(CannotBeRead) as refused:
        await decoders.picture(chunks(content))
    return refused.value.reason


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "L", {}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("MPO", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (40, 40))]}),
        ("PNG", "RGB", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "P", {}),
        ("PNG", "P", {"transparency": 255}),
        ("PNG", "RGB", {"transparency": (1, 2, 3)}),
        ("PNG", "LA", {}),
        ("PNG", "1", {}),
        ("PNG", "I;16", {}),
        ("GIF", "P", {}),
        ("GIF", "P", {"save_all": True, "append_images": [Image.new("P", (400, 300))]}),
        ("WEBP", "RGBA", {}),
        ("WEBP", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (400, 300))]}),
        ("AVIF", "RGB", {}),
    ],
)
async def test_each_format_has_previews(kind: str, mode: str, options: dict[str, Any], decoders: Decoders) -> None:
    read = await decoders.picture(chunks(samples.picture(kind=kind, mode=mode, **options)))
    assert (read.width, read.height) == (400, 300)
    assert sizes(read) == {160: (160, 120), 320: (320, 240), 640: (400, 300)}
    if mode not in ("1", "L", "LA", "I;16"):
        preview = seen(read.previews[320])
        assert (colour(preview, 0.2, 0.5), colour(preview, 0.8, 0.5)) == ("red", "blue")


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((5_000, 2_500), {160: (160, 80), 320: (320, 160), 640: (640, 320), 1280: (1280, 640)}),
        ((100, 50), {160: (100, 50)}),
        ((1, 1), {160: (1, 1)}),
        ((640, 10), {160: (160, 2), 320: (320, 5), 640: (640, 10)}),
        ((100, 10_000), {160: (5, 480), 320: (10, 960), 640: (19, 1920), 1280: (38, 3840)}),
    ],
)
async def test_a_preview_is_never_larger_than_the_picture_nor_without_bound(
    size: tuple[int, int], expected: dict[int, tuple[int, int]], decoders: Decoders
) -> None:
    assert sizes(await decoders.picture(chunks(samples.picture(size)))) == expected


async def test_only_the_widths_that_were_asked_for_are_made(decoders: Decoders) -> None:
    assert sizes(await decoders.picture(chunks(samples.picture()), [320])) == {320: (320, 240)}
    assert sizes(await decoders.picture(chunks(samples.picture()), [])) == {}
    with pytest.raises(ValueError, match="previews may be"):
        await decoders.picture(chunks(samples.picture()), [321])


async def test_transparency_is_kept(decoders: Decoders) -> None:
    read = await decoders.picture(chunks(samples.saved(Image.new("RGBA", (200, 200), (255, 0, 0, 0)), "PNG")))
    assert seen(read.previews[160]).getchannel("A").getextrema() == (0, 0)


async def test_deep_grey_is_seen_as_grey(decoders: Decoders) -> None:
    read = await decoders.picture(chunks(samples.saved(Image.new("I;16", (200, 200), 0x8000), "PNG")))
    assert seen(read.previews[160]).convert("L").getextrema() == (128, 128)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [
        (1, (400, 300), (0.2, 0.5)),
        (2, (400, 300), (0.8, 0.5)),
        (3, (400, 300), (0.8, 0.5)),
        (4, (400, 300), (0.2, 0.5)),
        (5, (300, 400), (0.5, 0.2)),
        (6, (300, 400), (0.5, 0.2)),
        (7, (300, 400), (0.5, 0.8)),
        (8, (300, 400), (0.5, 0.8)),
    ],
)
async def test_a_picture_is_upright_and_says_nothing_of_where_it_was_taken(
    kind: str, orientation: int, size: tuple[int, int], red: tuple[float, float], decoders: Decoders
) -> None:
    content = samples.picture(kind=kind, exif=samples.exif(orientation))
    assert samples.SECRET.encode() in content
    read = await decoders.picture(chunks(content))
    assert (read.width, read.height) == size
    for preview in read.previews.values():
        image = seen(preview)
        assert image.height == round(image.width * size[1] / size[0])
        assert colour(image, *red) == "red"
        assert colour(image, 1 - red[0], 1 - red[1]) == "blue"
        assert dict(image.getexif()) == {}
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(image.info)
        assert samples.SECRET.encode() not in preview


async def test_comments_profiles_and_texts_are_left_behind(decoders: Decoders) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", samples.SECRET)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for content in (
        samples.picture(kind="JPEG", comment=samples.SECRET.encode(), icc_profile=profile),
        samples.picture(kind="JPEG", xmp=samples.SECRET.encode()),
        samples.picture(kind="JPEG", mode="CMYK", icc_profile=profile),
        samples.picture(kind="PNG", pnginfo=texts, icc_profile=b"no profile"),
        samples.picture(kind="PNG", mode="RGBA", icc_profile=profile),
        samples.picture(kind="GIF", mode="P", comment=samples.SECRET.encode()),
        samples.picture(kind="WEBP", xmp=samples.SECRET.encode(), icc_profile=profile),
    ):
        read = await decoders.picture(chunks(content))
        for preview in read.previews.values():
            assert samples.SECRET.encode() not in preview
            assert not {"exif", "xmp", "icc_profile", "comment"} & set(seen(preview).info)
            assert (colour(seen(preview), 0.2, 0.5), colour(seen(preview), 0.8, 0.5)) == ("red", "blue")


async def test_broken_exif_turns_nothing(decoders: Decoders) -> None:
    content = samples.picture(kind="JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    read = await decoders.picture(chunks(content))
    assert (read.width, read.height) == (400, 300)


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(lambda: samples.png_of_zeros(50_000, 50_000), id="png"),
        pytest.param(lambda: samples.png_of_zeros(7_100, 7_100), id="png just above the bound"),
        pytest.param(samples.gif_with_a_huge_screen, id="gif"),
    ],
)
async def test_a_picture_of_too_many_pixels_is_refused_by_its_header(bomb: Any, decoders: Decoders) -> None:
    assert await refusal(decoders, bomb()) is Reason.TOO_LARGE


async def test_a_large_picture_within_the_bound_is_read(decoders: Decoders) -> None:
    read = await decoders.picture(chunks(samples.png_of_zeros(7_000, 7_000, bits=8, colour=2)))
    assert (read.width, read.height, list(sizes(read))) == (7_000, 7_000, sorted(WIDTHS))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(samples.picture(kind="JPEG")[:2_000], id="truncated jpeg"),
        pytest.param(samples.picture(kind="JPEG")[:20], id="a jpeg's header"),
        pytest.param(samples.picture(kind="PNG")[:-30], id="truncated png"),
        pytest.param(samples.picture(kind="WEBP")[:-60], id="truncated webp"),
        pytest.param(samples.picture(kind="AVIF")[:-60], id="truncated avif"),
        pytest.param(samples.picture(kind="TIFF"), id="tiff"),
        pytest.param(samples.picture(kind="BMP"), id="bmp"),
        pytest.param(samples.picture(kind="ICO"), id="ico"),
        pytest.param(samples.picture(kind="PPM"), id="ppm"),
        pytest.param(samples.picture(kind="JPEG2000"), id="jpeg 2000"),
        pytest.param(samples.picture(kind="EPS"), id="eps"),
        pytest.param(samples.picture(kind="PDF"), id="pdf"),
        pytest.param(b"8BPS\x00\x01" + bytes(6) + b"\x00\x03" + bytes(200), id="psd"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", id="svg"),
        pytest.param(samples.silence(1), id="a sound"),
    ],
)
async def test_what_is_no_picture_is_refused(content: bytes, decoders: Decoders) -> None:
    assert await refusal(decoders, content) is Reason.BROKEN
