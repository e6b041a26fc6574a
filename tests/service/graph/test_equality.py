"""Neo4j, PostgreSQL and a simple model give the same answers, whatever happens: nobody is shown what the model hides."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.graph.engines import Engines
from services.graph.handlers.reads import get_related
from services.graph.mirror.mirror import Mirror
from services.graph.owners import Owners as Asked
from services.graph.repository.artifacts import record
from services.graph.repository.hops import SqlHops
from services.graph.repository.links import Links
from services.graph.repository.overview import Overview
from services.graph.service import Service as Handled
from shared.contracts.artifacts import Artifact, ArtifactType
from shared.contracts.graph.links import ArtifactLink
from shared.contracts.graph.reads import Engine, GetRelated, Related
from shared.contracts.principal import Principal
from shared.credentials import database_role
from shared.database.connections import Database, as_role
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.graph.conftest import Service
from tests.service.graph.mirrored import caught_up, differences
from tests.service.neighbours import principal

pytestmark = pytest.mark.timeout(900)

KINDS = (ArtifactType.TASK, ArtifactType.FILE, ArtifactType.PAGE, ArtifactType.MESSAGE)
THINGS, PEOPLE = 10, 3
STEPS = ("link", "link", "link", "unlink", "delete", "restore", "rename", "hide", "show", "replay", "wipe")


@pytest.fixture(scope="module")
def has_mirror() -> bool:
    return True


@pytest_asyncio.fixture(loop_scope="session")
async def by_sql(graph: Service, servers: Servers) -> AsyncIterator[Handled]:
    """The same walk, over PostgreSQL alone."""
    role = database_role("graph")
    database = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "graph", connections=2)
    await database.open()
    owners = Asked(graph.application.caller)
    yield Handled(owners, Links(database, lambda: None), Overview(database), Engines(owners, SqlHops(database), None))
    await database.close()


@dataclass
class World:
    """The model: what there is, what is linked, who does not see what."""

    graph: Service
    mirror: Mirror
    random: Random
    project: UUID
    people: list[Principal]
    things: list[Artifact] = field(default_factory=list)
    links: list[ArtifactLink] = field(default_factory=list)
    told: list[Artifact] = field(default_factory=list)

    def now(self, thing: Artifact) -> Artifact:
        return self.graph.owners.things[thing.id]

    async def step(self, name: str) -> None:
        thing, other = self.random.sample(self.things, 2)
        person = self.random.choice(self.people)
        match name:
            case "link" if not self.now(thing).deleted and not self.now(other).deleted and self._all_see(thing, other):
                link = await self.graph.link(thing, other, self.people[0], self.project)
                self.links = [one for one in self.links if one.id != link.id] + [link]
            case "unlink" if self.links:
                link = self.random.choice(self.links)
                if self._sees_ends(link):
                    await self.graph.unlink(link, self.people[0])
                    self.links.remove(link)
            case "delete" | "restore" | "rename":
                fields = {"title": f"'}} DETACH DELETE {self.random.random()}"} if name == "rename" else {"deleted": name == "delete"}
                await self._tell([self.graph.owners.change(thing, **fields)])
            case "hide" if person is not self.people[0]:
                self.graph.owners.hidden.add((person.user_id, thing.id))
            case "show":
                self.graph.owners.hidden.discard((person.user_id, thing.id))
            case "replay":
                await self._tell(self.random.sample(self.told, len(self.told)))
            case "wipe" if self.random.random() < 0.3:
                await self.mirror.begin_anew()

    async def _tell(self, artifacts: list[Artifact]) -> None:
        self.told += artifacts
        async with self.graph.background.installation() as connection:
            await record(connection, artifacts)

    def _all_see(self, *things: Artifact) -> bool:
        return all(self.graph.owners.sees(self.people[0].user_id, self.now(thing)) for thing in things)

    def _sees_ends(self, link: ArtifactLink) -> bool:
        known = self.graph.owners.things
        return self._all_see(known[link.source_id], known[link.target_id])

    def distances(self, root: Artifact, person: Principal, depth: int) -> dict[UUID, int]:
        """By the model."""
        known = self.graph.owners.things
        ends = [(link.source_id, link.target_id) for link in self.links]
        found, ring = {root.id: 0}, {root.id}
        for distance in range(1, depth + 1):
            met = {b for a, b in ends if a in ring} | {a for a, b in ends if b in ring}
            ring = {one for one in met if one not in found and self.graph.owners.sees(person.user_id, known[one])}
            found |= dict.fromkeys(ring, distance)
        del found[root.id]
        return found


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), steps=st.lists(st.sampled_from(STEPS), min_size=5, max_size=40))
async def test_both_ways_and_the_model_agree(graph: Service, mirror: Mirror, by_sql: Handled, seed: int, steps: list[str]) -> None:
    random = Random(seed)
    first = principal()
    people = [first, *(principal(workspace_id=first.workspace_id) for _ in range(PEOPLE - 1))]
    world = World(graph, mirror, random, new_id(), people)
    world.things = [graph.owners.add(random.choice(KINDS), first.workspace_id, project_id=world.project) for _ in range(THINGS)]
    await world._tell(list(world.things))
    for name in steps:
        await world.step(name)
        await agree(world, by_sql)
    await caught_up(graph, mirror)
    for _ in range(5):
        assert await agree(world, by_sql) in (Engine.NEO4J, None)
    assert (await differences(graph, mirror)).count == 0


async def agree(world: World, by_sql: Handled) -> Engine | None:
    """A random question; who found its answer."""
    root, person = world.random.choice(world.things), world.random.choice(world.people)
    if not world.graph.owners.sees(person.user_id, world.now(root)):
        return None
    depth = world.random.randint(1, 4)
    mirrored = await world.graph.related(root, person, depth=depth, limit=1_000)
    request = GetRelated(type=root.type, id=root.id, depth=depth, limit=1_000)
    sql = await get_related(request, person, by_sql)
    assert {one.id: one.distance for one in sql.related} == world.distances(root, person, depth)
    assert shown(mirrored) == shown(sql)
    return mirrored.engine


def shown(answer: Related) -> dict[str, object]:
    """All but who found it."""
    return answer.model_dump(exclude={"engine"})
