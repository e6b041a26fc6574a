"""A worker that a file got hold of can say what it likes, and is believed only what could be so."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from services.attachments.media.answers import ANSWER, NothingRead, PictureRead, SoundRead
from services.attachments.media.contents import PEAKS, Reason

PICTURE = {"width": 400, "height": 300, "previews": {"160": 900}}
SOUND = {"duration": 3.0, "waveform": [0] * PEAKS}


def test_what_could_be_so_is_believed() -> None:
    assert ANSWER.validate_python(PICTURE) == PictureRead(width=400, height=300, previews={160: 900})
    assert ANSWER.validate_python(SOUND) == SoundRead(duration=3.0, waveform=[0] * PEAKS)
    assert ANSWER.validate_python({"reason": "broken", "detail": ""}) == NothingRead(reason=Reason.BROKEN, detail="")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"reason": "because", "detail": ""},
        {"reason": "broken", "detail": "x" * 100_000},
        PICTURE | {"width": 0},
        PICTURE | {"width": 10**12},
        PICTURE | {"previews": {"161": 900}},
        PICTURE | {"previews": {"160": 10**9}},
        PICTURE | {"previews": {"160": -1}},
        SOUND | {"duration": -1},
        SOUND | {"duration": 10**9},
        SOUND | {"duration": float("nan")},
        SOUND | {"waveform": []},
        SOUND | {"waveform": [0] * 10_000},
        SOUND | {"waveform": [101] * PEAKS},
    ],
)
def test_what_could_not_be_so_is_no_answer(answer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ANSWER.validate_json(json.dumps(answer))
