"""Gateways without an edge: what is transient in them, over the real NATS and Valkey; those whom they ask are stand-ins."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from services.gateway.realtime.connections import Connection
from services.gateway.realtime.transient.transient import Transient
from services.gateway.settings import GatewaySettings
from shared.contracts.principal import Principal
from shared.messaging.caller import Caller
from shared.messaging.local import Process
from tests.servers import Servers
from tests.service.neighbours import principal
from tests.service.transient.neighbours import FakeIdentity, FakeProjects, RecordingHub, Threads, connection_of

LASTS, RENEW = 1.5, 0.4


@dataclass
class Gateway:
    """One that runs. `caller` asks as its routes do."""

    transient: Transient
    hub: RecordingHub
    caller: Caller

    def connect(self, principal: Principal) -> Connection:
        connection = connection_of(principal)
        self.hub.comes(connection)
        return connection

    def disconnect(self, connection: Connection) -> None:
        self.hub.goes(connection)

    async def kill(self) -> None:
        """As its process would be: nothing is said, written or renewed from now on."""
        assert self.caller.client is not None
        await self.transient._devices._rest()
        self.transient._devices._devices.clear()
        await self.caller.close()


type Makes = Callable[..., Awaitable[Gateway]]


@dataclass
class Around:
    """Whom gateways ask."""

    threads: Threads
    identity: FakeIdentity
    projects: FakeProjects


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def around(servers: Servers) -> AsyncIterator[Around]:
    made = Around(Threads(), FakeIdentity(), FakeProjects())
    for one in (made.threads, made.identity, made.projects):
        await one.start(servers)
    yield made
    for one in (made.threads, made.identity, made.projects):
        await one.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def make(servers: Servers, around: Around) -> AsyncIterator[Makes]:
    """One more gateway of the installation, with whose connections a test may do what it likes."""
    made: list[Gateway] = []

    async def make_one(
        redis_url: str | None = servers.redis_url, away_after: float = 600, renew: float = RENEW, redis_channels: bool = False
    ) -> Gateway:
        process, hub = Process(), RecordingHub()
        caller = Caller("gateway", process)
        await caller.open(servers.nats_url, servers.credentials.nats["gateway"])
        settings = GatewaySettings(redis_url=redis_url, away_after=away_after, redis_channels=redis_channels)
        transient = Transient(caller, lambda: caller.client, settings, hub, process, lasts=LASTS, renew=renew)
        await transient.start(servers.nats_url, servers.credentials.nats["gateway"])
        made.append(Gateway(transient, hub, caller))
        return made[-1]

    yield make_one
    for gateway in made:
        await gateway.transient.stop()
        await gateway.caller.close()


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(make: Makes) -> Gateway:
    return await make()


@pytest_asyncio.fixture(loop_scope="session")
async def other(make: Makes) -> Gateway:
    return await make()


@pytest.fixture(autouse=True)
def nothing_is_hidden(around: Around) -> None:
    around.threads.hidden.clear()
    around.threads.refusals.clear()
    around.identity.hidden.clear()
    around.identity.seen.clear()


@pytest.fixture
def ada() -> Principal:
    return principal(name="Ada Lovelace")


@pytest.fixture
def grace(ada: Principal) -> Principal:
    return principal(workspace_id=ada.workspace_id, name="Grace Hopper")
