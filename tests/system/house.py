"""All of Atrium in the test's own event loop, over servers of its own, and the people who use it over HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
from joserfc.jwk import ECKey
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr
from pydantic_core import from_json

from services.attachments.main import AttachmentsApplication
from services.attachments.settings import AttachmentsSettings
from services.gateway.limits import Limits
from services.gateway.main import GatewayApplication
from services.gateway.settings import GatewaySettings
from services.graph.main import GraphApplication
from services.graph.settings import GraphSettings
from services.identity.main import IdentityApplication
from services.identity.settings import IdentitySettings
from services.messages.main import MessagesApplication
from services.projects.main import ProjectsApplication
from services.projects.settings import ProjectsSettings
from services.threads.main import ThreadsApplication
from shared.application import Application
from shared.contracts.identity.users import CREATE_USER, AssignableRole, CreateUser
from shared.contracts.principal import Role
from shared.database.history import SYSTEM_ACTOR
from shared.identifiers import id_at, new_id
from shared.messaging.caller import Caller
from shared.messaging.local import Process
from shared.settings import Settings
from shared.store.store import Store
from tests.processes import free_port
from tests.servers import Servers, running_servers
from tests.system.people import PASSWORD, Json, Person, expect


class CountingHasher(Argon2Hasher):
    """Quick, and it knows how often it worked: an Argon2 hash is what a sign-in costs."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.hashes = self.checks = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.hashes += 1
        return super().hash(password, salt=salt)

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        self.checks += 1
        return super().verify(password, hash)


FORGETFUL = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
"""Many share a client: nobody's cookie is another's."""

LIMITS = (
    *("messages_per_minute", "requests_per_minute", "uploads_per_minute"),
    *("sign_ins_per_minute", "account_sign_ins_per_minute"),
)
ACCESS_LIFE = timedelta(hours=3)
"""Longer than all tests take: those who are signed in once for them all stay so."""
PLENTY = 1_000_000  # the limiter counts, and lets everybody through
HERE = {
    "anonymous_per_minute": 0,
    "address_sign_ins_per_minute": 0,
}  # all are at one address, whose count would be that of every gateway with limits


@dataclass(frozen=True)
class House:
    """An Atrium that runs. `host` is its first user, and so its admin; `graph` asks as the graph does; `database` is the server's admin.

    store: settings of its store.
    """

    servers: Servers
    url: str
    http: httpx2.AsyncClient
    operator: Caller
    graph: Caller
    database: "asyncpg.Connection[asyncpg.Record]"
    workspace_id: UUID
    host: Person
    hasher: CountingHasher
    store: Mapping[str, str] = field(default_factory=dict)

    async def person(self, role: Role = Role.CLIENT) -> Person:
        """Somebody who registered, and got their role from the admin."""
        person = await register(self.http)
        if role is not Role.CLIENT:
            expect(await self.host.patch(f"/api/users/{person.id}", {"role": role}), 200)
            person.user["role"] = role.value
        return person

    async def verified(self, role: AssignableRole, email: str | None = None) -> Person:
        """Somebody whose email an operator vouched for."""
        email = email or f"{new_id().hex}@verified.example"
        request = CreateUser(email=email, password=SecretStr(PASSWORD), name="Vera Verified", role=role)
        await self.operator(CREATE_USER, request, None)
        return await log_in(self.http, email)

    async def elsewhere(self, role: Role) -> Person:
        """Somebody in a workspace of their own, with a role there."""
        workspace = new_id()
        await self.database.execute("INSERT INTO identity.workspaces (id, name) VALUES ($1, 'Elsewhere')", workspace)
        return await self._moved(workspace, role)

    async def joining(self, neighbour: Person, role: Role) -> Person:
        """Somebody in the workspace of another."""
        return await self._moved(UUID(neighbour.user["workspaceId"]), role)

    async def _moved(self, workspace_id: UUID, role: Role) -> Person:
        """Without anybody there who invites them."""
        person = await register(self.http)
        await self.database.execute(
            "UPDATE identity.workspace_members SET workspace_id = $2, role = $3 WHERE user_id = $1", UUID(person.id), workspace_id, role
        )
        return await log_in(self.http, person.user["email"])

    async def backdated(self, message: Json, age: timedelta) -> str:
        """The id of the message, as one that was posted earlier: its id and its time are one."""
        earlier = datetime.fromisoformat(message["createdAt"]) - age
        older = id_at(earlier)
        moved = await self.database.execute(
            "UPDATE messages.messages SET id = $2, created_at = $3 WHERE id = $1", UUID(message["id"]), older, earlier
        )
        assert moved == "UPDATE 1"
        return str(older)

    async def signing_key(self) -> ECKey:
        """What identity signs access tokens with."""
        stored = await self.database.fetchval("SELECT key FROM identity.signing_keys WHERE purpose = 'access' AND retired_at IS NULL")
        return ECKey.import_key(from_json(stored))

    async def events(self, service: str, key: str) -> list[str]:
        """What a service said about a thread or user, by name, in order."""
        rows = await self.database.fetch(f"SELECT subject FROM {service}.outbox WHERE subject LIKE $1 ORDER BY id", f"%.{key}")
        return [row["subject"].split(".")[2] for row in rows]


@asynccontextmanager
async def running_house(store: Mapping[str, str] | None = None, **identity: str) -> AsyncIterator[House]:
    async with running_servers() as servers, house_over(servers, store, **identity) as house:
        yield house


@asynccontextmanager
async def house_over(servers: Servers, store: Mapping[str, str] | None = None, **identity: str) -> AsyncIterator[House]:
    """Every service, started as `atrium run all` starts them; passwords are hashed quickly, and nobody's rate is limited.

    store: the settings of another than the folder. identity: settings of the identity service.
    """
    async with AsyncExitStack() as stack:
        where, process, kept, hasher = _where(servers), Process(), dict(store or {}), CountingHasher()
        graph = GraphApplication(GraphSettings.model_validate(where), process=process)
        services: list[Application] = [
            IdentityApplication(IdentitySettings.model_validate(where | identity), hasher, ACCESS_LIFE, process=process),
            ThreadsApplication(Settings.model_validate(where), process=process),
            MessagesApplication(Settings.model_validate(where), process=process),
            AttachmentsApplication(AttachmentsSettings.model_validate(where | kept), process=process),
            ProjectsApplication(ProjectsSettings.model_validate(where), process=process),
            graph,
        ]
        for service in services:
            await service.start()
            stack.push_async_callback(service.stop)
        url = await stack.enter_async_context(running_gateway(servers, process, **dict.fromkeys(LIMITS, PLENTY), **HERE, **kept))
        http = await stack.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=20, cookies=FORGETFUL))
        operator = Caller("operator")
        await operator.open(servers.nats_url, servers.credentials.nats["operator"])
        stack.push_async_callback(operator.close)
        database = await asyncpg.connect(servers.postgres_url)
        await database.execute("SELECT set_config('app.actor', $1, false)", SYSTEM_ACTOR)
        stack.push_async_callback(database.close)
        host = await register(http)
        yield House(servers, url, http, operator, graph.caller, database, UUID(host.user["workspaceId"]), host, hasher, kept)


@asynccontextmanager
async def running_gateway(
    servers: Servers, process: Process | None = None, kept_in: Store | None = None, /, **settings: Any
) -> AsyncIterator[str]:
    """A gateway to the services that run, by its address: beside them in their process, or elsewhere."""
    read = GatewaySettings.model_validate({**_where(servers), "port": free_port(), **settings})
    limits = Limits(read.redis_url, patience=5)  # a busy machine is no outage
    gateway = GatewayApplication(read, process=process, store=kept_in, limits=limits)
    await gateway.start()
    try:
        yield gateway.url
    finally:
        await gateway.stop()


async def register(http: httpx2.AsyncClient, email: str | None = None, name: str = "Ada Lovelace") -> Person:
    body = {"email": email or f"{new_id().hex}@people.example", "password": PASSWORD, "name": name}
    return Person(http, expect(await http.post("/api/auth/register", json=body), 201))


async def log_in(http: httpx2.AsyncClient, email: str) -> Person:
    return Person(http, expect(await http.post("/api/auth/login", json={"email": email, "password": PASSWORD}), 200))


def _where(servers: Servers) -> Json:
    return {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url, "redis_url": servers.redis_url}
