"""The projects service, with its real database and broker, asked as its callers ask; identity and threads are stand-ins."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from services.projects.main import ProjectsApplication
from services.projects.settings import ProjectsSettings
from shared.contracts.model import Request
from shared.contracts.operations import Operation
from shared.contracts.principal import Principal
from shared.contracts.projects.members import ADD_PROJECT_MEMBER, AddProjectMember
from shared.contracts.projects.projects import CREATE_PROJECT, CreateProject, Project
from shared.messaging.caller import Caller
from tests.servers import Servers
from tests.service.neighbours import FakeIdentity, principal
from tests.service.projects.neighbours import FakeThreads


@dataclass(frozen=True)
class Service:
    """Asks the service as the gateway does. Its neighbours are what a test makes of them."""

    gateway: Caller
    identity: FakeIdentity
    threads: FakeThreads
    database: "asyncpg.Connection[asyncpg.Record]"

    async def begin(self, caller: Principal) -> Project:
        return await self.gateway(CREATE_PROJECT, CreateProject(name="Turin"), caller)

    async def join(self, project: Project, owner: Principal) -> Principal:
        """One more member of the project."""
        known = self.identity.member("grace")
        await self.gateway(ADD_PROJECT_MEMBER, AddProjectMember(project_id=project.id, user_id=known.id), owner)
        return principal(workspace_id=owner.workspace_id).model_copy(update={"user_id": known.id})

    async def ask[Q: Request](self, operation: Operation[Q, Any], caller: Principal, **fields: Any) -> Any:
        return await self.gateway(operation, operation.request.model_validate(fields), caller)

    async def count(self, table: str, project_id: UUID, key: str = "project_id") -> int:
        found: int = await self.database.fetchval(f"SELECT count(*) FROM projects.{table} WHERE {key} = $1", project_id)
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(servers: Servers) -> AsyncIterator[Service]:
    identity, threads = FakeIdentity(), FakeThreads()
    await identity.start(servers)
    await threads.start(servers)
    where = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url}
    application = ProjectsApplication(ProjectsSettings.model_validate(where))
    await application.start()
    gateway = Caller("gateway")
    await gateway.open(servers.nats_url, servers.credentials.nats["gateway"])
    database = await asyncpg.connect(servers.postgres_url)
    yield Service(gateway, identity, threads, database)
    await database.close()
    await gateway.close()
    await application.stop()
    await threads.stop()
    await identity.stop()


@pytest.fixture
def service(running: Service) -> Service:
    """With neighbours that are there."""
    running.threads.away = running.identity.away = False
    return running


@pytest.fixture
def owner() -> Principal:
    return principal()
