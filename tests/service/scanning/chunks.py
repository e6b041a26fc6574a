"""Bytes as a store gives them."""

from collections.abc import AsyncIterator

SIZE = 256 * 1024


async def chunks(content: bytes, size: int = SIZE) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]
