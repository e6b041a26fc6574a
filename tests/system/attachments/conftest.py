"""The whole product, once on each store: a folder, and a bucket of a real S3 server."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.identifiers import new_id
from tests.stores import S3Server
from tests.system.attachments.files import Room, room_in
from tests.system.house import House, running_house


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def over_s3(s3: S3Server) -> AsyncIterator[House]:
    async with running_house(s3.settings(f"b{new_id().hex}")) as running:
        yield running


@pytest.fixture(params=["folder", "bucket"])
def stored(request: pytest.FixtureRequest) -> House:
    """Each in its turn."""
    found: House = request.getfixturevalue("house" if request.param == "folder" else "over_s3")
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def room(stored: House) -> Room:
    """On each store."""
    return await room_in(stored)


@pytest_asyncio.fixture(loop_scope="session")
async def folder_room(house: House) -> Room:
    """Where the store makes no difference."""
    return await room_in(house)
