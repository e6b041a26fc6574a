"""A real clamd for all tests of scanning, and a client of it."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.attachments.scanning.clamd import Clamd
from tests.clamav import ClamdServer


@pytest.fixture(scope="session")
def short() -> Iterator[Path]:
    """A folder whose path is short enough for a socket's."""
    with tempfile.TemporaryDirectory(prefix="clamd-") as folder:
        yield Path(folder)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(short: Path) -> AsyncIterator[ClamdServer]:
    server = ClamdServer(short / "a")
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def clamd(server: ClamdServer) -> AsyncIterator[Clamd]:
    client = Clamd(server.url)
    yield client
    client.close()
