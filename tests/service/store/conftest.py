"""Each test has every store: a folder, a bucket of a real S3 server, and one of the server of docker-compose.yml."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.identifiers import new_id
from shared.store.opening import store_of
from shared.store.settings import StoreSettings
from shared.store.store import Store
from tests.deployed import SeaweedServer
from tests.stores import ACCESS_KEY, S3Server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seaweed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SeaweedServer]:
    server = SeaweedServer(tmp_path_factory.mktemp("seaweed"), ACCESS_KEY, "a-secret-of-the-tests-alone")
    await server.start()
    yield server
    server.kill()  # in order it takes ten seconds


@pytest.fixture(params=["folder", "s3", "seaweed"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The settings of each. A machine without S3 servers has the folder alone."""
    if request.param == "folder":
        return {"store": f"file://{tmp_path}/files"}
    server: S3Server | SeaweedServer = request.getfixturevalue(request.param)
    return server.settings(f"b{new_id().hex}")


@pytest_asyncio.fixture(loop_scope="session")
async def store(where: dict[str, str]) -> Store:
    found = store_of(StoreSettings.model_validate(where))
    await found.open()
    return found
