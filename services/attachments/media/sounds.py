"""How long a sound plays and how loud each part of it is. Runs in a worker."""

from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO

import av
import av.subtitles.codeccontext  # PyAV would load it when a file has one, which a confined worker cannot
import av.subtitles.stream
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer

from services.attachments.media.contents import LONGEST_SOUND, PEAKS, CannotBeRead, Reason, Sound

ALLOWED = {
    "format_whitelist": "wav,ogg,mp3,mov,matroska,webm,mp4,m4a",
    "codec_whitelist": "opus,libopus,vorbis,mp3,mp3float,aac,flac,alac,pcm_u8,pcm_s16le,pcm_s24le,pcm_s32le,pcm_f32le,pcm_alaw,pcm_mulaw",
    "protocol_whitelist": "none",  # a file that names other files gets none of them
}
RATE = 16_000  # a second; enough to see how loud a voice is
SLOT = RATE // 100  # peaks are first taken of a hundredth of a second, so that memory is the same however long it plays
LOUDEST = 32_768


def read_sound(file: BinaryIO) -> Sound:
    """Everything is decoded, since headers may lie; nothing but the peaks is kept."""
    with av.open(file, "r", options=ALLOWED) as container:
        if not container.streams.audio:
            raise CannotBeRead(Reason.BROKEN, "there is no sound in it")
        return heard(container, container.streams.audio[0])


def heard(container: InputContainer, stream: AudioStream) -> Sound:
    stream.codec_context.thread_count = 1  # a worker may start none
    mono = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    meter = Meter()
    samples = rate = 0
    for frame in frames(container, stream):
        samples, rate = samples + frame.samples, frame.sample_rate
        if samples > LONGEST_SOUND * rate:
            raise CannotBeRead(Reason.TOO_LARGE, "it plays for too long")
        for part in mono.resample(frame):  # which refuses a rate that changes
            meter.hear(part)
    if samples == 0:
        raise CannotBeRead(Reason.BROKEN, "nothing of it could be decoded")
    for part in mono.resample(None):
        meter.hear(part)
    return Sound(round(samples / rate, 3), meter.waveform())


def frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Whatever can be decoded: a damaged packet is left out, as players do."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


class Meter:
    """The peak of each hundredth of a second of mono samples."""

    def __init__(self) -> None:
        self._peaks: list[int] = []
        self._rest = b""

    def hear(self, frame: AudioFrame) -> None:
        heard = self._rest + bytes(frame.planes[0])[: frame.samples * 2]
        samples = memoryview(heard).cast("h")
        whole = len(samples) - len(samples) % SLOT
        self._peaks += [loudness(samples[begin : begin + SLOT]) for begin in range(0, whole, SLOT)]
        self._rest = heard[whole * 2 :]

    def waveform(self) -> list[int]:
        """The peaks of `PEAKS` parts of the whole."""
        peaks = [*self._peaks, loudness(memoryview(self._rest).cast("h"))] if self._rest else self._peaks
        ends = [place * len(peaks) // PEAKS for place in range(PEAKS + 1)]
        return [round(100 * max(peaks[begin : max(end, begin + 1)]) / LOUDEST) for begin, end in pairwise(ends)]


def loudness(samples: "memoryview[int]") -> int:
    return max(max(samples), -min(samples))
