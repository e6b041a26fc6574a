"""Pictures and sounds, made when they are needed: ordinary ones, and those that mean harm."""

import math
import struct
import wave
import zlib
from array import array
from fractions import Fraction
from io import BytesIO
from typing import Any

import av
from av.audio.stream import AudioStream
from PIL import Image

SECRET = "made in a place that is nobody's business"
GPS, ORIENTATION, DESCRIPTION, MAKER = 0x8825, 0x0112, 0x010E, 0x010F


def picture(size: tuple[int, int] = (400, 300), kind: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    """Red on its left half, blue on its right."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    return saved(image.convert(mode), kind, **options)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int) -> Image.Exif:
    """What a phone writes: how it was held, and where."""
    said = Image.Exif()
    said[ORIENTATION] = orientation
    said[DESCRIPTION] = SECRET
    said[MAKER] = "Phone"
    said.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)})
    return said


def png_of_zeros(width: int, height: int, bits: int = 1, colour: int = 0) -> bytes:
    """A PNG that is small until it is decoded."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    row = bytes(1 + (width * bits * channels + 7) // 8)
    packer = zlib.compressobj()
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack("!IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")))


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))


def gif_with_a_huge_screen() -> bytes:
    small = bytearray(picture((8, 8), "GIF", "P"))
    small[6:10] = struct.pack("<HH", 65_535, 65_535)
    return bytes(small)


def sound(
    kind: str, codec: str, loudness: tuple[float, ...] = (0.9, 0.05, 0.5), rate: int = 48_000, *, options: dict[str, str] | None = None
) -> bytes:
    """A tone, a second at each loudness."""
    out = BytesIO()
    with av.open(out, "w", format=kind, options=options) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        for second, loud in enumerate(loudness):
            for tenth in range(10):
                frame = tone(loud, rate, second * rate + tenth * rate // 10)
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def tone(loud: float, rate: int, begin: int) -> av.AudioFrame:
    """A tenth of a second of it."""
    count = rate // 10
    samples = array("h", (int(32_767 * loud * math.sin(2 * math.pi * 440 * place / rate)) for place in range(begin, begin + count)))
    frame = av.AudioFrame(format="s16", layout="mono", samples=count)
    frame.planes[0].update(samples.tobytes())
    frame.rate, frame.pts, frame.time_base = rate, begin, Fraction(1, rate)
    return frame


def silence(seconds: int, rate: int = 8_000) -> bytes:
    """A WAV of the smallest kind."""
    out = BytesIO()
    with wave.open(out, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(1)
        written.setframerate(rate)
        written.writeframes(b"\x80" * rate * seconds)
    return out.getvalue()


def film(*, with_sound: bool) -> bytes:
    """Half a second of grey, for the eye alone or with a tone; its tracks are named at its beginning."""
    out = BytesIO()
    with av.open(out, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as container:
        seen = container.add_stream("mpeg4", rate=10)
        seen.width, seen.height, seen.pix_fmt = 64, 64, "yuv420p"
        heard = container.add_stream("aac", rate=48_000, layout="mono") if with_sound else None
        for place in range(5):
            container.mux(seen.encode(av.VideoFrame(64, 64, "yuv420p")))
            if heard:
                container.mux(heard.encode(tone(0.5, 48_000, place * 4_800)))
        container.mux(seen.encode(None))
        if heard:
            container.mux(heard.encode(None))
    return out.getvalue()
