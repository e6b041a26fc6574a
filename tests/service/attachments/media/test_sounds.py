"""The length and the waveform of a sound are those of what is heard, whatever its header says."""

import struct

import pytest

from services.attachments.media.contents import LONGEST_SOUND, PEAKS, CannotBeRead, Reason
from services.attachments.media.pool import Decoders
from tests.service.attachments.media import samples
from tests.service.attachments.media.workers import chunks

FORMATS = [
    ("webm", "libopus", 48_000),
    ("ogg", "libopus", 48_000),
    ("mp3", "libmp3lame", 44_100),
    ("ipod", "aac", 44_100),
    ("wav", "pcm_s16le", 16_000),
    ("wav", "pcm_f32le", 48_000),
]


async def refusal(decoders: Decoders, content: bytes) -> Reason:
    with pytest.raises(CannotBeRead) as refused:
        await decoders.sound(chunks(content))
    return refused.value.reason


@pytest.mark.parametrize(("kind", "codec", "rate"), FORMATS)
async def test_the_waveform_shows_what_is_loud_and_what_is_quiet(kind: str, codec: str, rate: int, decoders: Decoders) -> None:
    read = await decoders.sound(chunks(samples.sound(kind, codec, (0.9, 0.05, 0.5), rate)))
    assert read.duration == pytest.approx(3.0, abs=0.1)
    assert len(read.waveform) == PEAKS
    first, second, third = read.waveform[2:24], read.waveform[30:50], read.waveform[57:78]
    assert 80 <= min(first) <= max(first) <= 100
    assert 3 <= min(second) <= max(second) <= 8
    assert 42 <= min(third) <= max(third) <= 58


async def test_silence_is_flat(decoders: Decoders) -> None:
    read = await decoders.sound(chunks(samples.silence(2)))
    assert (read.duration, read.waveform) == (2.0, [0] * PEAKS)


async def test_a_very_short_sound_has_a_whole_waveform(decoders: Decoders) -> None:
    whole = samples.sound("wav", "pcm_s16le", (0.5,), 16_000)
    begin = whole.index(b"data") + 8
    read = await decoders.sound(chunks(whole[: begin + 2 * 80]))
    assert (read.duration, len(read.waveform)) == (0.005, PEAKS)


async def test_a_header_that_promises_more_is_not_believed(decoders: Decoders) -> None:
    content = bytearray(samples.silence(1))
    content[40:44] = struct.pack("<I", 8_000 * 600)
    assert (await decoders.sound(chunks(bytes(content)))).duration == 1.0


async def test_a_film_is_heard_when_it_has_a_sound(decoders: Decoders) -> None:
    assert (await decoders.sound(chunks(samples.film(with_sound=True)))).duration == pytest.approx(0.5, abs=0.1)
    assert await refusal(decoders, samples.film(with_sound=False)) is Reason.BROKEN


async def test_damage_within_a_sound_is_left_out(decoders: Decoders) -> None:
    content = bytearray(samples.sound("mp3", "libmp3lame", (0.5, 0.5, 0.5), 44_100))
    middle = len(content) // 2
    content[middle : middle + 1_000] = bytes(1_000)
    assert (await decoders.sound(chunks(bytes(content)))).duration == pytest.approx(3.0, abs=0.5)


async def test_a_sound_as_long_as_may_be_is_read_and_a_longer_one_refused(decoders: Decoders) -> None:
    assert (await decoders.sound(chunks(samples.silence(int(LONGEST_SOUND))))).duration == LONGEST_SOUND
    assert await refusal(decoders, samples.silence(int(LONGEST_SOUND) + 60)) is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(samples.sound("webm", "libopus", (0.5,))[:100], id="a webm's header"),
        pytest.param(samples.sound("ipod", "aac", (0.5,))[:2_000], id="an m4a without its index"),
        pytest.param(b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(200), id="a wav of zeros"),
        pytest.param(samples.picture(), id="a picture"),
        pytest.param(b"nothing to hear here\n" * 100, id="text"),
        pytest.param(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", id="a list of other files"),
        pytest.param(b"ffconcat version 1.0\nfile /etc/passwd\n", id="a list of files to join"),
        pytest.param(samples.sound("flac", "flac", (0.5,)), id="flac"),
    ],
)
async def test_what_is_no_sound_is_refused(content: bytes, decoders: Decoders) -> None:
    assert await refusal(decoders, content) is Reason.BROKEN
