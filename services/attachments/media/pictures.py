"""Previews of a picture. Runs in a worker."""

import warnings
from io import BytesIO
from typing import BinaryIO

from PIL import AvifImagePlugin, Image, ImageCms

from services.attachments.media.contents import MOST_PIXELS, CannotBeRead, Picture, Reason, fitting

DECODERS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
"""The only ones that are tried."""

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ON_ITS_SIDE = (5, 6, 7, 8)
SCALABLE = ("L", "LA", "RGB", "RGBA", "CMYK")
SRGB = ImageCms.createProfile("sRGB")

Image.init()  # it would load its parts when they are first used, which a confined worker cannot
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a worker may start none
warnings.simplefilter("error", Image.DecompressionBombWarning)


def read_picture(file: BinaryIO, widths: list[int]) -> Picture:
    """The previews are made from one another, the largest from the picture, so that it is decoded once and as small as its format can."""
    try:
        image = Image.open(file, formats=DECODERS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise CannotBeRead(Reason.TOO_LARGE, str(bomb)) from bomb
    with image:
        turn = orientation(image)
        width, height = reversed(image.size) if turn in ON_ITS_SIDE else image.size
        wanted = enough(sorted(widths), width, height)
        if not wanted:
            return Picture(width, height, {})
        preview = upright(image, turn, fitting(width, height, wanted[-1]))
    previews = {}
    for wide in reversed(wanted):
        preview = preview.resize(fitting(width, height, wide), Image.Resampling.LANCZOS)
        previews[wide] = encoded(preview)
    return Picture(width, height, dict(sorted(previews.items())))


def orientation(image: Image.Image) -> int:
    """How the camera was held. EXIF that is broken says nothing, as in browsers."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:
        return 1


def enough(widths: list[int], width: int, height: int) -> list[int]:
    """Up to the first that shows the whole picture."""
    whole = next((place for place, wide in enumerate(widths) if fitting(width, height, wide) == (width, height)), len(widths))
    return widths[: whole + 1]


def upright(image: Image.Image, turn: int, size: tuple[int, int]) -> Image.Image:
    """The picture in the colours of screens, turned, about as large as `size`, without anything that is not pixels."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    elif image.mode not in SCALABLE or "transparency" in image.info:
        image = image.convert(mode)
    image.thumbnail(size[::-1] if turn in ON_ITS_SIDE else size, Image.Resampling.LANCZOS)
    image = screen_colours(image, profile, mode)
    image.info.clear()
    return image.transpose(TURNS[turn]) if turn in TURNS else image


def screen_colours(image: Image.Image, profile: bytes | None, mode: str) -> Image.Image:
    """A preview carries no profile, so its colours are those of sRGB. A profile that is broken or of another mode is left out."""
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        try:
            turned = ImageCms.profileToProfile(image, BytesIO(profile), SRGB, outputMode=mode)
        except ImageCms.PyCMSError:
            turned = None
        if turned is not None:
            return turned
    return image.convert(mode)


def encoded(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()
