"""The whole product, once on each store: a folder, and a bucket of a real S3 server."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio

from services.attachments.main import AttachmentsApplication
from services.attachments.settings import AttachmentsSettings
from shared.identifiers import new_id
from tests.clamav import ClamdServer
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
    return house_on(request)


@pytest.fixture(scope="module", params=["folder", "bucket"])
def stored_for_all(request: pytest.FixtureRequest) -> House:
    """Each in its turn, for all tests of a module."""
    return house_on(request)


def house_on(request: pytest.FixtureRequest) -> House:
    found: House = request.getfixturevalue("house" if request.param == "folder" else "over_s3")
    return found


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def clamav() -> AsyncIterator[ClamdServer]:
    with TemporaryDirectory(prefix="clamd-") as folder:  # short enough for a socket's path
        server = ClamdServer(Path(folder) / "a")
        await server.start()
        yield server
        await server.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scanned_house(stored_for_all: House, clamav: ClamdServer) -> AsyncIterator[House]:
    """With another attachments service, which has a clamd."""
    servers = stored_for_all.servers
    where = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url}
    scanner = AttachmentsApplication(AttachmentsSettings.model_validate(where | {"clamd_url": clamav.url, **stored_for_all.store}))
    await scanner.start()
    yield stored_for_all
    await scanner.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def scanned_room(scanned_house: House) -> Room:
    """Where files are scanned."""
    return await room_in(scanned_house)


@pytest_asyncio.fixture(loop_scope="session")
async def room(stored: House) -> Room:
    """On each store."""
    return await room_in(stored)


@pytest_asyncio.fixture(loop_scope="session")
async def folder_room(house: House) -> Room:
    """Where the store makes no difference."""
    return await room_in(house)
