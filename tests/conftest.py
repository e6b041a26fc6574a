"""What every test may ask for: the real servers, once for a worker's whole run."""

import gc
import shutil
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.neo4j import Neo4jOfTests, installed_library
from tests.processes import free_port
from tests.servers import TEMPLATES, Servers, running_servers


def pytest_configure() -> None:
    """Whoever runs tests in the background of a shell has Ctrl-C ignored, and all that they start would ignore it, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Seventeen thousand tests are no garbage: to look at them each time stops a worker, and the services in it, for a second."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    for template in TEMPLATES:
        shutil.rmtree(template, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[Servers]:
    """PostgreSQL with all schemas, NATS and Valkey. A test that stops one starts it again."""
    async with running_servers() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def neo4j_of_all(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Neo4jOfTests]:
    """The one Neo4j of a worker, as its start takes longer than most tests. It may not run yet, or no more."""
    neo4j = Neo4jOfTests(tmp_path_factory.mktemp("neo4j"), installed_library(), free_port())
    yield neo4j
    neo4j.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def neo4j_server(neo4j_of_all: Neo4jOfTests) -> Neo4jOfTests:
    """It runs, and holds nothing. A test may do to it what it likes."""
    await neo4j_of_all.run_empty()
    return neo4j_of_all
