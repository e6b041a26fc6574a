"""What can be seen of the workers, and what they are given."""

import asyncio
from collections.abc import AsyncIterator

import psutil

from services.attachments.media.process import MODULE

CHUNK = 64 * 1024


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), CHUNK):
        yield content[begin : begin + CHUNK]


def workers(of: int | None = None) -> list[psutil.Process]:
    """Those of this process or another; ended ones too, where nobody has buried them."""
    return [child for child in psutil.Process(of).children() if child.status() == psutil.STATUS_ZOMBIE or MODULE in child.cmdline()]


async def gone(process: psutil.Process) -> None:
    """Wait until it does nothing more."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        await asyncio.sleep(0.01)
