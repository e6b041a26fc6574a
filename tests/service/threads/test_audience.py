"""CHECK_AUDIENCE: who of many may read a thread is decided as CHECK_ACCESS decides about each of them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import pytest
import pytest_asyncio

from shared.contracts.principal import Principal, Role
from shared.contracts.projects.access import CHECK_PROJECT_ACCESS, CheckProjectAccess, ProjectAccess, ProjectNotFound, ProjectRole
from shared.contracts.projects.audience import CHECK_PROJECT_AUDIENCE, CheckProjectAudience, ProjectAudience, ProjectSeenBy
from shared.contracts.refusals import RequestIsInvalid, ServiceIsUnavailable
from shared.contracts.threads.access import Right, ThreadNotFound
from shared.contracts.threads.audience import CHECK_AUDIENCE, CheckAudience, SeenBy
from shared.contracts.threads.threads import OPEN_PROJECT_THREAD, OpenProjectThread, Thread
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.stand_in import Answers, StandIn
from tests.service.threads.conftest import People, Service, sent

BEGUN = datetime(2031, 1, 1, tzinfo=UTC)


@dataclass
class FakeProjects(StandIn):
    """One project, with those who are in it."""

    members: dict[UUID, ProjectRole] = field(default_factory=dict)
    asked: list[CheckProjectAudience] = field(default_factory=list)
    is_away: bool = False
    service: ClassVar[str] = "projects"

    def answers(self) -> Answers:
        return {CHECK_PROJECT_ACCESS: check_project_access, CHECK_PROJECT_AUDIENCE: check_project_audience}


async def check_project_access(request: CheckProjectAccess, caller: Principal, projects: FakeProjects) -> ProjectAccess:
    if caller.user_id not in projects.members:
        raise ProjectNotFound
    role = projects.members[caller.user_id]
    return ProjectAccess(project_id=request.project_id, role=role, archived=False, joined_at=BEGUN)


async def check_project_audience(request: CheckProjectAudience, projects: FakeProjects) -> ProjectAudience:
    projects.asked.append(request)
    if projects.is_away:
        raise ServiceIsUnavailable
    members = [(user_id, projects.members[user_id]) for user_id in request.users if user_id in projects.members]
    return ProjectAudience(archived=False, members=[ProjectSeenBy(user_id=one, role=role, joined_at=BEGUN) for one, role in members])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(servers: Servers) -> AsyncIterator[FakeProjects]:
    made = FakeProjects()
    await made.start(servers)
    yield made
    await made.stop()


@pytest.fixture
def projects(running: FakeProjects) -> FakeProjects:
    """With nobody in it, and there."""
    running.members, running.asked, running.is_away = {}, [], False
    return running


def everybody(people: People) -> list[Principal]:
    """Each role twice, somebody with a contact, one who is asked about a second time, and one who may see everything and notes nothing."""
    known = (people.admin, people.agent, people.other_agent, people.owner, people.other_owner, people.client, people.other_client)
    guests = (people.guest, people.new(Role.GUEST), people.new(Role.GUEST, "guest@x.org"))
    contacts = (people.new(Role.CLIENT, "Ann@X.org"), people.new(Role.CLIENT, "ben@x.org"), people.new(Role.AGENT, "cat@x.org"))
    return [*known, *guests, *contacts, people.client, people.new(Role.SYSTEM)]


async def one_by_one(threads: Service, thread_id: UUID, thread: Thread, callers: Sequence[Principal]) -> list[SeenBy]:
    """What each of them is told who asks alone."""
    seen = []
    for place, caller in enumerate(callers):
        try:
            own = await threads.access(thread.model_copy(update={"id": thread_id}), caller, Right.READ)
        except ThreadNotFound:
            continue
        fields = {name: getattr(own, name) for name in ("notes", "hidden_robots", "seen_from", "joined_at")}
        seen.append(SeenBy(place=place, **fields))
    return seen


@pytest.mark.parametrize("kind", ["group", "booking", "support", "direct", "assistant"])
@pytest.mark.parametrize("changed", [{}, {"isPrivate": True}, {"guestAccessAllowed": False}, {"state": "closed"}])
async def test_the_audience_of_a_thread_are_those_who_may_read_it(
    threads: Service, people: People, kind: str, changed: dict[str, Any]
) -> None:
    callers = everybody(people)
    others = [sent(people.guest), {"role": "client", "contact": " ann@x.ORG"}, {"role": "guest", "contact": "guest@x.org"}]
    numbered = {"bookingId": str(new_id())} if kind == "booking" else {}
    thread = await threads.open(
        people.agent, kind=kind, participants=[sent(people.client), *(others if kind != "direct" else [])], **numbered
    )
    if kind != "direct":
        await threads.invite(thread, people.agent, people.owner, canSeeHistory=False, participantRole="guest")
        await threads.invite(thread, people.agent, people.other_client, participantRole="observer")
        gone = await threads.invite(thread, people.agent, people.other_owner)
        await threads.remove(thread, people.agent, gone.id)
    if changed and not (kind == "direct" and "state" in changed):
        await threads.change(thread, people.agent, **changed)
    seen = (await threads.audience(thread.id, callers)).seen_by
    assert seen == await one_by_one(threads, thread.id, thread, callers)
    assert {callers.index(people.agent), callers.index(people.client)} <= {one.place for one in seen}


async def test_who_is_a_user_and_a_contact_of_a_thread_sees_it_as_the_user(threads: Service, people: People) -> None:
    ann = people.new(Role.CLIENT, "ann@x.org")
    thread = await threads.open(people.agent, participants=[{"role": "client", "contact": "ann@x.org"}])
    late = await threads.invite(thread, people.agent, people.client, canSeeHistory=False)
    (by_contact,) = (await threads.audience(thread.id, [ann])).seen_by
    assert (by_contact.seen_from, by_contact.joined_at) == (None, thread.created_at)
    twin = ann.model_copy(update={"user_id": people.client.user_id})
    (as_user,) = (await threads.audience(thread.id, [twin])).seen_by
    assert (as_user.seen_from, as_user.joined_at) == (late.joined_at, late.joined_at)


async def test_nobody_sees_a_thread_that_is_missing_deleted_or_of_another_workspace(threads: Service, people: People) -> None:
    thread, deleted = await threads.open(people.agent), await threads.open(people.agent)
    await threads.database.execute("SELECT set_config('app.actor', $1, false)", str(people.agent.user_id))
    await threads.database.execute("UPDATE threads.threads SET deleted_at = now() WHERE id = $1", deleted.id)
    stranger = People(new_id()).admin
    for thread_id, caller in ((new_id(), people.agent), (deleted.id, people.agent), (thread.id, stranger)):
        assert (await threads.audience(thread_id, [caller])).seen_by == []


async def test_callers_of_several_workspaces_are_refused(threads: Service, people: People) -> None:
    thread, stranger = await threads.open(people.agent), People(new_id()).admin
    mixed = CheckAudience.model_construct(workspace_id=people.workspace_id, thread_id=thread.id, callers=[people.agent, stranger])
    with pytest.raises(RequestIsInvalid):
        await threads.gateway(CHECK_AUDIENCE, mixed, None)


async def test_of_a_projects_thread_it_is_the_project_that_says_who_sees_it_and_it_is_asked_once(
    threads: Service, people: People, projects: FakeProjects
) -> None:
    owner, callers = people.owner, everybody(people)
    opening = OpenProjectThread(project_id=new_id(), thread_id=new_id(), membership_id=new_id(), title="Turin")
    await projects.caller(OPEN_PROJECT_THREAD, opening, owner)
    group = await threads.open(people.agent)
    projects.members = dict.fromkeys((people.client.user_id, people.guest.user_id, people.agent.user_id), ProjectRole.MEMBER)
    seen = (await threads.audience(opening.thread_id, callers)).seen_by
    (asked,) = projects.asked
    assert (asked.project_id, len(asked.users)) == (opening.project_id, len({caller.user_id for caller in callers}))
    assert seen == await one_by_one(threads, opening.thread_id, group, callers)
    assert [callers[one.place] for one in seen] == [people.agent, people.client, people.guest, people.client], "its owner left it"
    projects.is_away = True
    with pytest.raises(ServiceIsUnavailable):
        await threads.audience(opening.thread_id, callers)


async def test_a_thousand_are_asked_about_at_once(threads: Service, people: People) -> None:
    members, others = [people.new(Role.CLIENT, "a" * 250) for _ in range(500)], [people.new(Role.CLIENT) for _ in range(500)]
    thread = await threads.open(people.agent, participants=[sent(one) for one in members], maxParticipants=1_000)
    callers = [caller for pair in zip(others, members, strict=True) for caller in pair]
    assert [one.place for one in (await threads.audience(thread.id, callers)).seen_by] == list(range(1, 1_000, 2))
