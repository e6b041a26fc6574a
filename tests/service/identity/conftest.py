"""The identity service on servers of its own: here the first user of the installation is made again and again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import asyncpg
import pytest_asyncio
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from services.identity.main import IdentityApplication
from services.identity.settings import IdentitySettings
from shared.contracts.identity.sessions import AUTHORIZE, REGISTER_USER, Authorize, RegisterUser, SignedIn
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.database.history import SYSTEM_ACTOR
from shared.messaging.caller import Caller
from tests.servers import Servers, running_servers
from tests.service.identity.tokens import ids

type Admin = asyncpg.Connection[asyncpg.Record]
type Register = Callable[[str], Awaitable[SignedIn]]


class AuthorizeSession(Protocol):
    """Asks as the gateway does for every request."""

    async def __call__(self, signed_in: SignedIn, permission: Permission = Permission.SELF_READ) -> Principal: ...


KEPT = ["workspaces", "signing_keys", "access_permission_domains", "schema_version"]
QUICK = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def servers() -> AsyncIterator[Servers]:
    async with running_servers() as running:
        yield running


@asynccontextmanager
async def running_identity(servers: Servers, **settings: str) -> AsyncIterator[IdentityApplication]:
    where = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url}
    application = IdentityApplication(IdentitySettings.model_validate(where | settings), QUICK)
    await application.start()
    try:
        yield application
    finally:
        await application.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def database(servers: Servers) -> AsyncIterator[Admin]:
    """The admin's connection, to a database without users."""
    connection = await asyncpg.connect(servers.postgres_url)
    await connection.execute("SET search_path = identity; SET session_replication_role = replica")
    for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'identity' AND tablename <> ALL($1)", KEPT):
        await connection.execute(f"DELETE FROM {table}")
    await connection.execute("DELETE FROM workspaces WHERE NOT is_default; SET session_replication_role = origin")
    await connection.execute("SELECT set_config('app.actor', $1, false)", SYSTEM_ACTOR)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def identity(servers: Servers, database: Admin) -> AsyncIterator[IdentityApplication]:
    async with running_identity(servers) as application:
        yield application


@asynccontextmanager
async def caller_as(servers: Servers, user: str) -> AsyncIterator[Caller]:
    caller = Caller(user)
    await caller.open(servers.nats_url, servers.credentials.nats[user])
    try:
        yield caller
    finally:
        await caller.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def call(servers: Servers) -> AsyncIterator[Caller]:
    """Calls as the gateway makes them."""
    async with caller_as(servers, "gateway") as caller:
        yield caller


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def operator(servers: Servers) -> AsyncIterator[Caller]:
    """Calls as the `atrium` program makes them."""
    async with caller_as(servers, "operator") as caller:
        yield caller


@pytest_asyncio.fixture(loop_scope="session")
async def register(identity: IdentityApplication, call: Caller) -> Register:
    async def registered(email: str) -> SignedIn:
        request = RegisterUser(email=email, password=SecretStr("correct horse"), name=email.partition("@")[0].title())
        return await call(REGISTER_USER, request, None)

    return registered


@pytest_asyncio.fixture(loop_scope="session")
async def authorize(call: Caller) -> AuthorizeSession:
    async def authorized(signed_in: SignedIn, permission: Permission = Permission.SELF_READ) -> Principal:
        session_id, user_id, workspace_id = ids(signed_in)
        asked = Authorize(session_id=session_id, user_id=user_id, workspace_id=workspace_id, permission=permission)
        return await call(AUTHORIZE, asked, None)

    return authorized
