from collections.abc import Iterator

import pytest

from tests.system.up.running import Up, a_running_atrium


@pytest.fixture(scope="module")
def atrium() -> Iterator[Up]:
    """A running Atrium for the tests of one file."""
    with a_running_atrium() as running:
        yield running
