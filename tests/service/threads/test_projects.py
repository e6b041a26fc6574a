"""Threads of projects, whatever the order in which their projects are heard of, and however often."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID

import pytest
import pytest_asyncio

from services.threads.consumers import follow_projects
from shared.contracts.model import Event
from shared.contracts.principal import Principal
from shared.contracts.projects.access import Happened, ProjectRole
from shared.contracts.projects.members import MemberChanged, ProjectMember
from shared.contracts.projects.projects import ProjectChanged, ProjectFacts
from shared.contracts.refusals import ServiceIsUnavailable
from shared.contracts.threads.access import ThreadNotFound
from shared.contracts.threads.threads import GET_THREAD, OPEN_PROJECT_THREAD, GetThread, OpenProjectThread
from shared.credentials import background_role
from shared.database.connections import Database, as_role
from shared.database.history import SYSTEM_ACTOR
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from shared.messaging.received import Received
from tests.servers import Servers
from tests.service.threads.conftest import People, Service

BEGUN = datetime(2031, 1, 1, tzinfo=UTC)


class Told:
    """What a project says of itself and of one more member, in its own order."""

    def __init__(self, people: People) -> None:
        self.people, self.id, self.thread_id = people, new_id(), new_id()
        self._memberships = {one.user_id: new_id() for one in (people.owner, people.client)}

    def project(self, version: int, change: Happened, name: str = "Turin", *, archived: bool = False) -> ProjectChanged:
        facts = ProjectFacts(
            id=self.id,
            name=name,
            description=None,
            thread_id=self.thread_id,
            archived=archived,
            created_by=self.people.owner.user_id,
            created_at=BEGUN,
            updated_at=BEGUN,
            version=version,
        )
        return ProjectChanged(entity_id=self.id, version=version, change=change, project=facts)

    def member(self, who: Principal, version: int, change: Happened, role: ProjectRole = ProjectRole.MEMBER) -> MemberChanged:
        member = ProjectMember(
            id=self._memberships[who.user_id],
            project_id=self.id,
            user_id=who.user_id,
            role=role,
            name=who.name,
            workspace_role=who.role,
            joined_at=BEGUN,
            version=version,
        )
        return MemberChanged(entity_id=member.id, version=version, project_id=self.id, change=change, member=member)


@pytest.fixture
def told(people: People) -> Told:
    return Told(people)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def following(servers: Servers) -> AsyncIterator[Database]:
    """As the service's consumers are connected."""
    role = background_role("threads")
    url = as_role(servers.postgres_url, role, servers.credentials.postgres[role])
    database = Database(url, "threads", connections=4, settings={"app.actor": SYSTEM_ACTOR})
    await database.open()
    yield database
    await database.close()


async def hear(following: Database, told: Told, events: Sequence[Event]) -> None:
    """Each by itself; what cannot be applied yet is given again after the others, as the stream does."""
    waiting = list(events)
    while waiting:
        later: list[Event] = []
        for event in waiting:
            one = Received(new_id(), told.people.workspace_id, str(told.id), "", event)
            try:
                async with following.installation() as connection:
                    await follow_projects(connection, [one])
            except ThreadNotFound:
                later.append(event)
        assert len(later) < len(waiting), "what is heard of is never applied"
        waiting = later


async def shown(threads: Service, told: Told) -> tuple[str, str, list[tuple[UUID, str]], int]:
    """The thread's title and state, who takes part in it as what, and their number as lists show it."""
    thread = await threads.database.fetchrow(
        "SELECT title, state, participant_count FROM threads.threads t JOIN threads.activity a ON a.thread_id = t.id WHERE id = $1",
        told.thread_id,
    )
    rows = await threads.database.fetch(
        "SELECT user_id, participant_role FROM threads.participants WHERE thread_id = $1 AND left_at IS NULL ORDER BY user_id",
        told.thread_id,
    )
    assert thread is not None
    return thread["title"], thread["state"], [(row["user_id"], row["participant_role"]) for row in rows], thread["participant_count"]


def history(told: Told) -> list[Event]:
    """Begun, with its owner; another comes, is made a maintainer, leaves; it is renamed, and archived."""
    owner, client = told.people.owner, told.people.client
    return [
        told.project(1, Happened.CREATED),
        told.member(owner, 1, Happened.CREATED, ProjectRole.OWNER),
        told.member(client, 1, Happened.CREATED),
        told.member(client, 2, Happened.DELETED),
        told.project(2, Happened.UPDATED, "Milan", archived=True),
    ]


async def test_whatever_the_order_a_projects_thread_ends_as_the_project_is(people: People, threads: Service, following: Database) -> None:
    for order in permutations(range(5)):
        told = Told(people)
        events = history(told)
        await hear(following, told, [events[place] for place in order])
        assert await shown(threads, told) == ("Milan", "archived", [(people.owner.user_id, "moderator")], 1), order


async def test_what_is_replayed_changes_nothing_and_tells_nothing(told: Told, threads: Service, following: Database) -> None:
    events = history(told)
    await hear(following, told, events)
    before = await shown(threads, told)
    counted = "SELECT count(*) FROM threads.outbox WHERE subject LIKE $1"
    said = await threads.database.fetchval(counted, f"%.{told.thread_id}")
    await hear(following, told, events + events[::-1])
    assert await shown(threads, told) == before
    assert await threads.database.fetchval(counted, f"%.{told.thread_id}") == said


async def test_one_who_comes_again_takes_part_again(told: Told, threads: Service, following: Database, people: People) -> None:
    again = told.member(people.client, 3, Happened.CREATED, ProjectRole.MAINTAINER)
    await hear(following, told, [*history(told)[:4], again])
    parts = sorted([(people.owner.user_id, "moderator"), (people.client.user_id, "moderator")])
    assert await shown(threads, told) == ("Turin", "active", parts, 2)


async def test_a_project_that_was_deleted_before_it_was_heard_of_has_an_archived_thread(
    told: Told, threads: Service, following: Database
) -> None:
    await hear(following, told, [told.project(2, Happened.DELETED), told.project(1, Happened.CREATED)])
    assert (await shown(threads, told))[1] == "archived"


async def test_a_thread_is_opened_once_whoever_is_first(told: Told, threads: Service, following: Database, servers: Servers) -> None:
    owner = told.people.owner
    events = history(told)[:2]
    opening = OpenProjectThread(project_id=told.id, thread_id=told.thread_id, membership_id=events[1].entity_id, title="Turin")
    projects = Caller("projects")
    await projects.open(servers.nats_url, servers.credentials.nats["projects"])
    try:
        asks = (projects(OPEN_PROJECT_THREAD, opening, owner) for _ in range(3))
        await asyncio.gather(*asks, hear(following, told, events))
    finally:
        await projects.close()
    assert await shown(threads, told) == ("Turin", "active", [(owner.user_id, "moderator")], 1)


async def test_while_projects_is_away_nobody_is_in_its_thread(told: Told, threads: Service, following: Database) -> None:
    """Nothing that threads keeps says yes: it is asked each time."""
    await hear(following, told, history(told)[:2])
    with pytest.raises(ServiceIsUnavailable):
        await threads.gateway(GET_THREAD, GetThread(thread_id=told.thread_id), told.people.owner)
