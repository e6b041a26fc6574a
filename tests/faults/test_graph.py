"""The graph while it, or the Neo4j that it is mirrored into, dies, is away, is wiped or falls behind: all is there in the end, and once."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from nats.js.errors import NotFoundError

from shared.contracts.subscriptions import GRAPH_ARTIFACTS
from shared.embedded.neo4j import Neo4jServer
from shared.identifiers import new_id
from shared.messaging.streams import EVENTS
from tests.faults.holding import a_commit_is_held, commits_unanswered
from tests.faults.house import House, eventually
from tests.service.graph.replies import many_replies
from tests.system.people import Json, Person, expect, path_of

pytestmark = pytest.mark.timeout(300)

BACKLOG, WRITERS = 600, 12
"""Replies that are posted while nobody learns of them."""
MANY = 20_000
"""Events that are learned of while Neo4j is away; the bench has 150,000."""
AWAY = 60.0
"""Seconds: longer than every deadline, pause and check of who waits for Neo4j."""
LONG = 150.0
"""Seconds: a Neo4j starts slowly where others work."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def neo4j(shared_house: House, neo4j_server: Neo4jServer) -> AsyncIterator[Neo4jServer]:
    """A Neo4j, and a graph that is mirrored into it, in the place of the one that is not."""
    alone = shared_house.programs["graph"]
    await alone.stop(within=10)
    settings = {"ATRIUM_NEO4J_URL": neo4j_server.url, "ATRIUM_NEO4J_PASSWORD": neo4j_server.password}
    shared_house.settings.update(settings)
    shared_house.programs["graph"] = mirrored = shared_house.process("graph", name="mirrored")
    await mirrored.start()
    yield neo4j_server
    await mirrored.stop(within=10)
    for name in settings:
        del shared_house.settings[name]
    shared_house.programs["graph"] = alone
    await alone.start()


async def reply(person: Person, thread: Json, first: Json) -> Json:
    return await person.say(thread, replyTo=first["id"])


async def links_ever(house: House, first: Json) -> int:
    """Links to a message, taken away or not."""
    async with house.database() as admin:
        count: int = await admin.fetchval("SELECT count(*) FROM graph.artifact_links WHERE target_id = $1", UUID(first["id"]))
    return count


async def all_is_learned(house: House) -> bool:
    """Whether every event is published, and nothing waits for the graph."""
    if not await house.all_is_published():
        return False
    async with house.jetstream() as jetstream:
        try:
            info = await jetstream.consumer_info(EVENTS, GRAPH_ARTIFACTS.consumer)
        except NotFoundError:
            return False
    return not info.num_pending and not info.num_ack_pending


async def is_answered_by_neo4j(person: Person, message: Json) -> bool:
    answer = await person.get(f"/api/graph/message/{message['id']}/related")
    return answer.status_code == 200 and answer.headers["x-atrium-graph"] == "neo4j"


async def adds_up(house: House, first: Json, replies: int) -> None:
    """In the end each reply is linked once, Neo4j says so, and it differs in nothing from PostgreSQL."""
    person = house.people[0]
    await eventually(lambda: all_is_learned(house), "everything is learned", LONG)
    await eventually(lambda: is_answered_by_neo4j(person, first), "Neo4j is asked", LONG)
    assert await links_ever(house, first) == replies
    related = expect(await person.get(f"/api/graph/message/{first['id']}/related", limit=1_000), 200)
    assert (len(related["related"]), related["engine"]) == (replies, "neo4j")
    for thorough in ([], ["--thorough"]):
        code, shown = await house.atrium("graph", "reconcile", "--json", *thorough)
        found = json.loads(shown)
        assert (code, found["wrong"], found["unknown"], found["parked"]) == (0, 0, 0, 0)


async def test_events_whose_commit_nobody_heard_of_are_applied_once(house: House, neo4j: Neo4jServer) -> None:
    person, thread, graph = house.people[0], await house.opened_thread(), house.programs["graph"]
    first = await person.say(thread)
    await eventually(lambda: all_is_learned(house), "everything is learned", LONG)
    graph.kill()
    for _ in range(5):
        await reply(person, thread, first)
    await eventually(house.all_is_published, "everything is published")
    async with commits_unanswered(house):
        await graph.start()
        await a_commit_is_held(house, "graph_background")
        graph.kill()
    assert await links_ever(house, first) == 5, "it was committed, and not acknowledged"
    await graph.start()
    await adds_up(house, first, 5)


async def test_a_graph_that_was_away_for_long_and_dies_while_it_catches_up_has_everything_once(house: House, neo4j: Neo4jServer) -> None:
    thread, graph = await house.opened_thread(), house.programs["graph"]
    first = await house.people[0].say(thread)
    graph.kill()

    async def writes(writer: int) -> None:
        for _ in range(BACKLOG // WRITERS):
            await reply(house.people[writer % len(house.people)], thread, first)

    await asyncio.gather(*(writes(writer) for writer in range(WRITERS)))
    await graph.start()

    async def has_begun() -> bool:
        return await links_ever(house, first) > 0

    await eventually(has_begun, "it catches up")
    graph.kill()
    await graph.start()
    await adds_up(house, first, BACKLOG)


async def test_a_neo4j_that_is_killed_then_away_then_wiped_while_people_write_has_everything_again(
    house: House, neo4j: Neo4jServer
) -> None:
    thread, ends = await house.opened_thread(), asyncio.Event()
    first = await house.people[0].say(thread)

    async def writes(person: Person) -> int:
        made = 0
        while not ends.is_set():
            await reply(person, thread, first)
            found = await person.get(f"/api/graph/message/{first['id']}/related", limit=1_000)
            assert found.status_code == 200, found.text
            made += 1
            await asyncio.sleep(0.1)
        return made

    writing = [asyncio.create_task(writes(person)) for person in house.people[:2]]
    neo4j.kill()
    await neo4j.start()
    await neo4j.stop(within=30)
    neo4j.wipe()
    await neo4j.start()
    ends.set()
    await adds_up(house, first, sum(await asyncio.gather(*writing)))


async def test_a_rebuild_brings_everything_back_and_its_standing_says_so(house: House, neo4j: Neo4jServer) -> None:
    thread = await house.opened_thread()
    first = await house.people[0].say(thread)
    for _ in range(3):
        await reply(house.people[0], thread, first)
    await eventually(lambda: all_is_learned(house), "everything is learned", LONG)
    code, shown = await house.atrium("graph", "rebuild")
    assert code == 0, shown
    await adds_up(house, first, 3)
    code, shown = await house.atrium("graph", "status", "--json")
    found = json.loads(shown)
    assert (code, found["behind"], found["parked"], found["wiping"]) == (0, 0, 0, False)
    assert (found["artifacts"], found["links"]) == (found["mirroredArtifacts"], found["mirroredLinks"])


async def test_a_neo4j_that_is_away_for_long_while_people_link_and_much_is_learned_has_everything_once_it_is_back(
    house: House, neo4j: Neo4jServer
) -> None:
    thread, ends, many = await house.opened_thread(), asyncio.Event(), new_id()
    first = await house.people[0].say(thread)

    async def links(person: Person) -> int:
        made = 0
        while not ends.is_set():
            message = await person.say(thread)
            body = {"sourceType": "message", "sourceId": message["id"], "targetType": "message", "targetId": first["id"]}
            expect(await person.post(f"{path_of(thread)}/links", body), 201)
            made += 1
            found = await person.get(f"/api/graph/message/{message['id']}/related")
            assert [one["id"] for one in expect(found, 200)["related"]] == [first["id"]]
            await asyncio.sleep(0.1)
        return made

    await neo4j.stop(within=30)
    away = asyncio.create_task(asyncio.sleep(AWAY))
    linking = [asyncio.create_task(links(person)) for person in house.people[:2]]
    async with house.database() as admin:
        workspace = await admin.fetchval("SELECT workspace_id FROM threads.threads WHERE id = $1", UUID(thread["id"]))
        await many_replies(admin, workspace, UUID(thread["id"]), many, MANY)
    await eventually(lambda: all_is_learned(house), "everything is learned", LONG)
    await away
    await neo4j.start()
    await eventually(lambda: is_answered_by_neo4j(house.people[0], first), "Neo4j is asked", LONG)
    ends.set()
    await adds_up(house, first, sum(await asyncio.gather(*linking)))
    assert await links_ever(house, {"id": str(many)}) == MANY
