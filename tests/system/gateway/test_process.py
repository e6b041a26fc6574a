"""The gateway as a part of a process: with real NATS and Valkey, and services that say of themselves what a test wants."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
import pytest
import pytest_asyncio

from services.gateway.main import GatewayApplication
from services.gateway.settings import GatewaySettings
from shared.application import CannotStart, Dependency
from shared.messaging import discovery
from shared.messaging.caller import Caller
from shared.messaging.discovery import announce, discover
from shared.observability.probes import Probes
from shared.settings import Settings
from tests.processes import free_port
from tests.servers import Servers

NAMES = ("identity", "threads", "messages", "attachments", "projects", "graph")
HEALTHY = {"postgres": Dependency(ok=True), "nats": Dependency(ok=True)}


class Service:
    """A service that does nothing but tell how it is."""

    def __init__(self, name: str, servers: Servers) -> None:
        self.name, self._servers, self._caller = name, servers, Caller(name)
        self.state = dict(HEALTHY)

    async def start(self) -> None:
        await self._caller.open(self._servers.nats_url, self._servers.credentials.nats[self.name])
        assert self._caller.client is not None
        await announce(self._caller.client, self.name, self.health)

    async def stop(self) -> None:
        await self._caller.close()

    async def health(self) -> dict[str, Dependency]:
        return self.state


@pytest_asyncio.fixture(loop_scope="session")
async def services(servers: Servers) -> AsyncIterator[dict[str, Service]]:
    made = {name: Service(name, servers) for name in NAMES}
    async with AsyncExitStack() as stack:
        for service in made.values():
            await service.start()
            stack.push_async_callback(service.stop)
        yield made


@asynccontextmanager
async def gateway(servers: Servers) -> AsyncIterator[httpx2.AsyncClient]:
    settings = GatewaySettings(port=free_port(), nats_url=servers.nats_url, redis_url=servers.redis_url, data=servers.data)
    application = GatewayApplication(settings)
    await application.start()
    try:
        async with httpx2.AsyncClient(base_url=application.url, timeout=10) as client:
            yield client
    finally:
        await application.stop()


async def test_it_starts_without_identity_and_says_so_until_it_is_there(servers: Servers) -> None:
    async with gateway(servers) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["services"]["identity"]) == (503, {"ok": False, "detail": "does not answer"})
        refused = await client.post("/api/auth/login", json={"email": "ada@example.org", "password": "x"})
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "service_is_unavailable", "1")


async def test_it_is_ready_when_every_service_is(servers: Servers, services: dict[str, Service]) -> None:
    async with gateway(servers) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {
            "ready": True,
            "dependencies": {name: {"ok": True} for name in ("nats", "valkey", "store", "postgres")},
            "services": {name: {"ok": True} for name in NAMES},
        }


async def test_what_a_service_misses_is_named(servers: Servers, services: dict[str, Service]) -> None:
    services["threads"].state["postgres"] = Dependency(ok=False, detail="connection refused")
    async with gateway(servers) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["dependencies"]["postgres"] == {"ok": False, "detail": "threads: connection refused"}
        assert answer.json()["services"]["threads"] == {"ok": False, "detail": "postgres: connection refused"}


async def test_what_operators_are_to_know_is_shown_though_all_is_well(servers: Servers, services: dict[str, Service]) -> None:
    services["attachments"].state["clamd"] = Dependency(ok=True, needed=False, notice="scanning is off")
    async with gateway(servers) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["dependencies"]["clamd"]) == (200, {"ok": True, "detail": "scanning is off"})


async def test_one_ready_replica_is_enough(servers: Servers, services: dict[str, Service]) -> None:
    broken = Service("threads", servers)
    broken.state = {"nats": Dependency(ok=False, detail="slow")}
    await broken.start()
    try:
        async with gateway(servers) as client:
            assert (await client.get("/readyz")).json()["services"]["threads"] == {"ok": True}
    finally:
        await broken.stop()


async def test_without_valkey_it_is_ready(servers: Servers, services: dict[str, Service]) -> None:
    async with gateway(servers) as client:
        servers.valkey.kill()
        try:
            answer = await client.get("/readyz")
        finally:
            await servers.valkey.start()
        assert (answer.status_code, answer.json()["dependencies"]["valkey"]["ok"]) == (200, False)


async def test_a_port_that_is_taken_is_told_in_one_line(servers: Servers) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        application = GatewayApplication(GatewaySettings(port=port, nats_url=servers.nats_url, data=servers.data))
        with pytest.raises(CannotStart, match=rf"^Port {port} of 127\.0\.0\.1 cannot be used .*ATRIUM_PORT"):
            await application.start()
        await application.stop()


async def test_a_redis_url_that_is_none_is_told_in_one_line(servers: Servers) -> None:
    with pytest.raises(CannotStart, match=r"^ATRIUM_REDIS_URL"):
        GatewayApplication(GatewaySettings(nats_url=servers.nats_url, redis_url="http://localhost", data=servers.data))


async def test_stopping_lets_a_running_request_end(servers: Servers) -> None:
    settings = GatewaySettings(port=free_port(), nats_url=servers.nats_url, data=servers.data)
    application = GatewayApplication(settings)
    await application.start()
    async with httpx2.AsyncClient(base_url=application.url, timeout=10) as client:
        running = asyncio.create_task(client.get("/readyz"))  # it waits for services that are not there
        await asyncio.sleep(0.3)
        await application.stop()
        assert (await running).status_code == 503
        with pytest.raises(httpx2.ConnectError):
            await client.get("/healthz")


async def test_everyones_metrics_are_shown_each_with_its_process(servers: Servers, services: dict[str, Service]) -> None:
    probes = Probes([services["identity"]], Settings())
    await probes.start()
    try:
        async with gateway(servers) as client:
            text = (await client.get("/metrics")).text
        own = [line for line in text.splitlines() if line.startswith("process_resident_memory_bytes{")]
        assert own[0].startswith('process_resident_memory_bytes{process="attachments+gateway+graph+identity+messages+projects+threads"}')
        assert len(own) == 1, "services of the same process are not shown twice"
    finally:
        await probes.stop()


async def test_probes_tell_of_a_process(servers: Servers, services: dict[str, Service]) -> None:
    probes = Probes(list(services.values()), Settings())
    await probes.start()
    try:
        async with httpx2.AsyncClient(base_url=probes.url) as client:
            assert (await client.get("/healthz")).json() == {"ok": True}
            unready = await client.get("/readyz")
            not_started = {"start": {"ok": False, "detail": "not finished yet"}}
            assert (unready.status_code, unready.json()) == (503, {"ready": False, "services": dict.fromkeys(NAMES, not_started)})
            for service in services.values():
                probes.started(service)
            ready = await client.get("/readyz")
            state = {"postgres": {"ok": True}, "nats": {"ok": True}}
            assert (ready.status_code, ready.json()) == (200, {"ready": True, "services": dict.fromkeys(NAMES, state)})
            services["messages"].state["postgres"] = Dependency(ok=False, detail="gone")
            assert (await client.get("/readyz")).status_code == 503
            assert "process_resident_memory_bytes" in (await client.get("/metrics")).text
            assert (await client.get("/other")).status_code == 404
    finally:
        await probes.stop()


async def test_services_answer_nats_own_ping(servers: Servers, services: dict[str, Service]) -> None:
    caller = Caller("operator")
    await caller.open(servers.nats_url, servers.credentials.nats["operator"])
    try:
        assert caller.client is not None
        found = await discover(caller.client, 2, NAMES)
        assert sorted(instance.name for instance in found) == sorted(NAMES)
        assert {instance.process for instance in found} == {discovery.this_process()}
        assert all(instance.ready for instance in found)
    finally:
        await caller.close()
