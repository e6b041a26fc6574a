"""The graph service, with its real database and broker, and one stand-in for all whom it asks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from pydantic_core import from_json

from services.graph.consumers import learn
from services.graph.main import NOBODY_ASKED, GraphApplication
from services.graph.mirror.connection import Neo4j
from services.graph.mirror.mirror import Mirror
from services.graph.repository.mirror import MirrorSource
from services.graph.settings import GraphSettings
from shared.contracts.artifacts import Artifact
from shared.contracts.graph.links import (
    LINK_IN_PROJECT,
    LINK_IN_THREAD,
    LIST_PROJECT_LINKS,
    UNLINK_IN_PROJECT,
    ArtifactLink,
    LinkInProject,
    LinkInThread,
    ListProjectLinks,
    UnlinkInProject,
)
from shared.contracts.graph.reads import GET_RELATED, GetRelated, Related
from shared.contracts.model import Event
from shared.contracts.principal import Principal, Role
from shared.contracts.subscriptions import GRAPH_ARTIFACTS
from shared.credentials import OPERATOR, background_role
from shared.database.connections import Database, as_role
from shared.embedded.neo4j import USER, Neo4jServer
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from shared.messaging.connection import close, connect
from shared.messaging.local import Process
from shared.messaging.received import Received
from shared.messaging.streams import EVENTS
from tests.servers import Servers
from tests.service.graph.owners import Owners
from tests.service.neighbours import principal

_MIRRORED = ("artifacts", "artifact_links", "task_mentions", "project_threads", "unmirrored")


@dataclass
class Service:
    """Asks the service as the gateway would."""

    application: GraphApplication
    settings: GraphSettings
    gateway: Caller
    owners: Owners
    background: Database
    database: "asyncpg.Connection[asyncpg.Record]"

    async def restart(self) -> None:
        await self.application.stop()
        self.application = GraphApplication(self.settings, process=self.owners.process)
        await self.application.start()

    async def link(self, source: Artifact, target: Artifact, caller: Principal, project: UUID) -> ArtifactLink:
        ends = {"source_type": source.type, "source_id": source.id, "target_type": target.type, "target_id": target.id}
        return await self.gateway(LINK_IN_PROJECT, LinkInProject.model_validate({**ends, "project_id": project}), caller)

    async def link_in_thread(self, source: Artifact, target: Artifact, caller: Principal, thread: UUID) -> ArtifactLink:
        ends = {"source_type": source.type, "source_id": source.id, "target_type": target.type, "target_id": target.id}
        return await self.gateway(LINK_IN_THREAD, LinkInThread.model_validate({**ends, "thread_id": thread}), caller)

    async def unlink(self, link: ArtifactLink, caller: Principal) -> None:
        assert link.project_id is not None
        await self.gateway(UNLINK_IN_PROJECT, UnlinkInProject(project_id=link.project_id, link_id=link.id), caller)

    async def listed(self, project: UUID, caller: Principal) -> list[ArtifactLink]:
        return (await self.gateway(LIST_PROJECT_LINKS, ListProjectLinks(project_id=project), caller)).links

    async def related(self, root: Artifact, caller: Principal, **fields: Any) -> Related:
        request = GetRelated.model_validate({"type": root.type.lower(), "id": root.id, **fields})
        return await self.gateway(GET_RELATED, request, caller)

    async def ids_related(self, root: Artifact, caller: Principal, **fields: Any) -> list[UUID]:
        return [one.id for one in (await self.related(root, caller, **fields)).related]

    async def hears(self, workspace_id: UUID, *events: Event) -> None:
        """As its consumer hands them over."""
        async with self.background.installation() as connection:
            await learn(connection, [Received(new_id(), workspace_id, "", "", event) for event in events])

    async def derived(self, source: UUID) -> Sequence[tuple[str, UUID]]:
        """The links that come of a thing by themselves."""
        rows = await self.database.fetch(
            """SELECT derived, target_id FROM graph.artifact_links
            WHERE source_id = $1 AND derived IS NOT NULL AND deleted_at IS NULL ORDER BY derived, target_id""",
            source,
        )
        return [(row["derived"], row["target_id"]) for row in rows]

    async def said(self, key: UUID) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.database.fetch("SELECT subject, data FROM graph.outbox WHERE subject LIKE $1 ORDER BY id", f"%.{key}")
        return [(row["subject"].split(".")[2], from_json(row["data"])) for row in rows]


@pytest.fixture(scope="module")
def has_mirror() -> bool:
    """Whether the service has a mirror; a module whose tests want one says so."""
    return False


@pytest.fixture(scope="module")
def differing(request: pytest.FixtureRequest, has_mirror: bool) -> dict[str, Any]:
    """Settings of the service that are not the tests' own."""
    if not has_mirror:
        return {}
    neo4j: Neo4jServer = request.getfixturevalue("neo4j_server")
    return {"neo4j_url": neo4j.url, "neo4j_password": neo4j.password}


@pytest_asyncio.fixture(loop_scope="session")
async def mirror(graph: Service, neo4j_server: Neo4jServer) -> AsyncIterator[Mirror]:
    """The service's mirror, over a connection of the test's own."""
    neo4j, source = Neo4j(neo4j_server.url, USER, neo4j_server.password), MirrorSource(graph.background)
    yield Mirror(neo4j, source, await source.mirror_id())
    await neo4j.close()


async def _learns_what_was_said(servers: Servers) -> None:
    """By the services of other modules: nothing of it comes while this one's tests count."""
    client = await connect(servers.nats_url, OPERATOR, servers.credentials.nats[OPERATOR], name="tests")
    try:
        async with asyncio.timeout(60):
            while (info := await client.jetstream().consumer_info(EVENTS, GRAPH_ARTIFACTS.consumer)).num_pending or info.num_ack_pending:
                await asyncio.sleep(0.02)
    finally:
        await close(client)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def graph(servers: Servers, has_mirror: bool, differing: dict[str, Any]) -> AsyncIterator[Service]:
    database = await asyncpg.connect(servers.postgres_url, server_settings=NOBODY_ASKED)
    if has_mirror:  # it is filled with all there is before it is asked: the crowds of other modules are none of this one's
        await database.execute(f"TRUNCATE {', '.join(f'graph.{table}' for table in _MIRRORED)}")
    process = Process()
    owners = Owners(process)
    where = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url}
    settings = GraphSettings.model_validate(where | differing)
    application = GraphApplication(settings, process=process)
    await application.start()
    gateway = Caller("gateway", process)
    await gateway.open(servers.nats_url, servers.credentials.nats["gateway"])
    role = background_role("graph")
    url = as_role(servers.postgres_url, role, servers.credentials.postgres[role])
    background = Database(url, "graph", connections=2, settings=NOBODY_ASKED)
    await background.open()
    service = Service(application, settings, gateway, owners, background, database)
    await _learns_what_was_said(servers)
    yield service
    await database.close()
    await background.close()
    await gateway.close()
    await service.application.stop()


@pytest.fixture
def ada() -> Principal:
    return principal()


@pytest.fixture
def bob(ada: Principal) -> Principal:
    return principal(Role.CLIENT, ada.workspace_id)


@pytest.fixture
def project() -> UUID:
    return new_id()
