"""What tests of live connections ask for."""

import pytest

from tests.system.realtime.followers import Transport


@pytest.fixture(params=list(Transport))
def over(request: pytest.FixtureRequest) -> Transport:
    transport: Transport = request.param
    return transport
