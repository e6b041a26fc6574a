"""Limits count by the minutes of the clock, and over the end of one they let a little more through (`services/gateway/limits.py`)."""

import asyncio
import time


async def with_seconds_left(seconds: float) -> None:
    """Wait for the next minute where less than this is left of this one. Valkey has the clock of this machine."""
    left = 60 - time.time() % 60
    if left < seconds:
        await asyncio.sleep(left)
