"""What is read out of a file, and why nothing could be."""

from dataclasses import dataclass
from enum import StrEnum

WIDTHS = (160, 320, 640, 1280)
"""The widths that previews may have, in pixels."""

MOST_BYTES = 64 * 1024 * 1024
"""Larger files are not read at all."""

MOST_PIXELS = 50_000_000
"""What a good phone's camera makes; the header says it before anything is decoded."""

LONGEST_SOUND = 30 * 60.0
"""Seconds."""

PEAKS = 80
"""How many there are in each waveform."""


HIGHEST = 3
"""Times its width: what a preview may be high."""


def fitting(width: int, height: int, wide: int) -> tuple[int, int]:
    """The size of the preview that is called `wide`, of a picture of this size."""
    scale = min(1.0, wide / width, wide * HIGHEST / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


@dataclass(frozen=True, slots=True)
class Picture:
    """Its size as people see it (turned as its EXIF says), and WebP previews by the width that they were asked for.

    A preview is never larger than the picture: of the widths that would all show it whole, the smallest alone is there. One of a very
    high picture is narrower than its name.
    """

    width: int
    height: int
    previews: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Sound:
    """How long it plays, in seconds, and `PEAKS` peaks of equal parts of it: 0 is silence, 100 as loud as can be."""

    duration: float
    waveform: list[int]


class Reason(StrEnum):
    BROKEN = "broken"
    """Damaged, or not of a kind that is read."""

    TOO_LARGE = "too_large"
    """More bytes, pixels or seconds than are read."""

    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_TIME = "out_of_time"
    WORKER_ENDED = "worker_ended"


class CannotBeRead(Exception):
    """The file cannot be read as what it was taken for; `detail` is for our log, never for clients."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail

    @property
    def may_pass(self) -> bool:
        """Whether another try may end otherwise: the machine, and not the file, may be what was wrong."""
        return self.reason in (Reason.OUT_OF_TIME, Reason.WORKER_ENDED)
