"""What a worker may answer. A file may have got hold of it, so nothing that it says is taken on trust."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter

from services.attachments.media.contents import LONGEST_SOUND, MOST_PIXELS, PEAKS, WIDTHS, CannotBeRead, Reason

LONGEST_DETAIL = 1_000
LARGEST_PREVIEW = 8 * 1024 * 1024


def known_width(width: int) -> int:
    if width not in WIDTHS:
        raise ValueError("not a width of ours")
    return width


Side = Annotated[int, Field(ge=1, le=MOST_PIXELS)]
Width = Annotated[int, AfterValidator(known_width)]
PreviewSize = Annotated[int, Field(ge=1, le=LARGEST_PREVIEW)]
Peak = Annotated[int, Field(ge=0, le=100)]


class PictureRead(BaseModel):
    """`previews`: how many bytes each has, in the order in which they follow."""

    width: Side
    height: Side
    previews: dict[Width, PreviewSize]


class SoundRead(BaseModel):
    duration: Annotated[float, Field(gt=0, le=LONGEST_SOUND)]
    waveform: Annotated[list[Peak], Field(min_length=PEAKS, max_length=PEAKS)]


class NothingRead(BaseModel):
    reason: Reason
    detail: Annotated[str, Field(max_length=LONGEST_DETAIL)]

    def refusal(self) -> CannotBeRead:
        return CannotBeRead(self.reason, self.detail)


ANSWER = TypeAdapter[PictureRead | SoundRead | NothingRead](PictureRead | SoundRead | NothingRead)
