"""A process that reads pictures and sounds, and can do nothing else: `python -m services.attachments.media.worker <limits>`.

Its standard input is a socket; framing.py says what is spoken on it.
"""

import json
import os
import socket
import sys
from dataclasses import asdict
from io import BytesIO
from typing import BinaryIO

from services.attachments.media.contents import CannotBeRead, Reason
from services.attachments.media.framing import LENGTH, READY
from services.attachments.media.limits import Limits, confine, start_clock, stop_clock
from services.attachments.media.pictures import read_picture
from services.attachments.media.sounds import read_sound

LESS_URGENT = 10  # than what people wait for
LONGEST_DETAIL = 200


def main() -> None:
    os.nice(LESS_URGENT)
    limits = Limits.of_words(*sys.argv[1:])
    connection = socket.socket(fileno=0)
    requests = connection.makefile("rb")
    confine(limits)
    for _ in range(limits.jobs):
        line = requests.readline()
        if not line:
            return
        start_clock(limits)
        connection.sendall(READY)
        answer, whole = done(json.loads(line), received(requests))
        connection.sendall(answer)
        stop_clock()
        if not whole:
            return


def received(requests: BinaryIO) -> BytesIO:
    """The file. One that ends in the middle ends this process: nobody waits for it."""
    file = BytesIO()
    while length := LENGTH.unpack(exactly(requests, LENGTH.size))[0]:
        file.write(exactly(requests, length))
    file.seek(0)
    return file


def exactly(requests: BinaryIO, length: int) -> bytes:
    read = requests.read(length)
    if len(read) < length:
        sys.exit()
    return read


def done(job: dict[str, list[int]], file: BytesIO) -> tuple[bytes, bool]:
    """The answer, and whether this process is as good as before."""
    try:
        return (picture(file, job["picture"]) if "picture" in job else sound(file)), True
    except CannotBeRead as refusal:
        return refused(refusal.reason, refusal.detail), True
    except MemoryError:
        return refused(Reason.OUT_OF_MEMORY, ""), False
    except Exception as error:  # a broken file breaks decoders in all ways
        return refused(Reason.BROKEN, f"{type(error).__name__}: {error}"), True


def picture(file: BytesIO, widths: list[int]) -> bytes:
    read = read_picture(file, widths)
    sizes = {str(width): len(preview) for width, preview in read.previews.items()}
    return line(width=read.width, height=read.height, previews=sizes) + b"".join(read.previews.values())


def sound(file: BytesIO) -> bytes:
    return line(**asdict(read_sound(file)))


def refused(reason: Reason, detail: str) -> bytes:
    return line(reason=reason, detail=detail[:LONGEST_DETAIL])


def line(**answer: object) -> bytes:
    return json.dumps(answer).encode() + b"\n"


if __name__ == "__main__":
    main()
