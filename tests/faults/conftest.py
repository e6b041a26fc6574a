"""What the tests of faults share."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.house import House, running_house
from tests.faults.keeping import InBucket


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_house() -> AsyncIterator[House]:
    async with running_house() as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_house_over_s3() -> AsyncIterator[House]:
    async with running_house(InBucket) as running:
        yield running


@pytest.fixture
def which(request: pytest.FixtureRequest) -> House:
    """The one that keeps files in a folder, where a test does not want both."""
    found: House = request.getfixturevalue("shared_house_over_s3" if getattr(request, "param", "folder") == "bucket" else "shared_house")
    return found


BOTH_STORES = pytest.mark.parametrize("which", ["folder", "bucket"], indirect=True)


@pytest_asyncio.fixture(loop_scope="session")
async def house(which: House) -> AsyncIterator[House]:
    """An Atrium in which all is well. A test may kill what it likes: what does not run at its end is started for the next one."""
    await which.renew_sessions()
    yield which
    await which.mend()
