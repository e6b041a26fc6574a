"""The real workers."""

from collections.abc import AsyncIterator

import pytest_asyncio

from services.attachments.media.pool import Decoders


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def decoders() -> AsyncIterator[Decoders]:
    pool = Decoders()
    yield pool
    await pool.close()
