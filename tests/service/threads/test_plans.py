"""Lists of threads, and of those who take part in one, read what they show, however many there are."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic_core import from_json

from services.threads.domain.access import Sight
from services.threads.repository import access, listing, membership, views
from shared.credentials import database_role
from shared.database.connections import Database, as_role
from shared.database.history import SYSTEM_ACTOR
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.threads.conftest import Service

MANY, OTHERS = 2_000, 1_000

_THREADS = "INSERT INTO threads.threads (id, workspace_id, kind, title, creator_id) SELECT unnest($1::uuid[]), $2, 'group', 'Trip', $3"
_ACTIVITY = """
    INSERT INTO threads.activity (thread_id, workspace_id, at)
    SELECT id, $2, now() - place * interval '1 s' FROM unnest($1::uuid[]) WITH ORDINALITY AS thread (id, place)"""
_PARTICIPANTS = """
    INSERT INTO threads.participants (id, workspace_id, thread_id, role, name, joined_at)
    SELECT uuidv7(), $2, id, 'client', 'Ada', now() + place * interval '1 s'
    FROM unnest($1::uuid[]) AS id CROSS JOIN generate_series(1, $3::int) AS place"""

_TAKING_PART = """
    INSERT INTO threads.participants (id, workspace_id, thread_id, role, user_id)
    SELECT uuidv7(), $2, id, 'agent', $3 FROM unnest($1::uuid[]) AS id"""
_SEATS = """
    INSERT INTO threads.participants (id, workspace_id, thread_id, role, user_id, contact, contact_key)
    SELECT uuidv7(), $2, $1, 'agent', user_id, user_id || '@x.org', user_id || '@x.org' FROM unnest($3::uuid[]) AS user_id"""

# Many small workspaces beside it: the planner, which cannot know whose statement it plans, expects a few rows of each.
_OTHERS = """
    INSERT INTO threads.threads (id, workspace_id, kind, title, creator_id)
    SELECT uuidv7(), uuidv7(), 'group', 'Trip', uuidv7() FROM generate_series(1, $1::int) RETURNING id, workspace_id"""
_THEIR_ACTIVITY = "INSERT INTO threads.activity (thread_id, workspace_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])"
_THEIR_PARTICIPANTS = """
    INSERT INTO threads.participants (id, workspace_id, thread_id, role, user_id, contact, contact_key)
    SELECT uuidv7(), workspace_id, id, 'agent', uuidv7(), id || '@x.org', id || '@x.org'
    FROM unnest($1::uuid[], $2::uuid[]) AS one (id, workspace_id)"""

type Plan = dict[str, Any]


class Many:
    """A workspace of 2,000 threads with three participants each, but 2,000 in the first and 10,000 in the last. The reader is in
    nearly all."""

    workspace, creator, reader = new_id(), new_id(), new_id()
    threads: tuple[UUID, ...] = tuple(new_id() for _ in range(MANY))
    wide, hidden, crowded = threads[0], threads[1_000::3], threads[-1]
    crowd: tuple[UUID, ...] = tuple(new_id() for _ in range(10_000))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(threads: Service) -> Many:
    await threads.database.execute("SELECT set_config('app.actor', $1, false)", SYSTEM_ACTOR)
    await threads.database.execute(_THREADS, Many.threads, Many.workspace, Many.creator)
    await threads.database.execute(_ACTIVITY, Many.threads, Many.workspace)
    await threads.database.execute(_PARTICIPANTS, Many.threads[1:], Many.workspace, 3)
    await threads.database.execute(_PARTICIPANTS, [Many.wide], Many.workspace, MANY)
    await threads.database.execute(_TAKING_PART, Many.threads[1:], Many.workspace, Many.reader)
    await threads.database.execute(_SEATS, Many.crowded, Many.workspace, Many.crowd)
    others = await threads.database.fetch(_OTHERS, OTHERS)
    theirs = [one["id"] for one in others], [one["workspace_id"] for one in others]
    await threads.database.execute(_THEIR_ACTIVITY, *theirs)
    await threads.database.execute(_THEIR_PARTICIPANTS, *theirs)
    await threads.database.execute("UPDATE threads.threads SET is_private = true WHERE id = ANY($1::uuid[])", Many.hidden)
    await threads.database.execute("VACUUM (ANALYZE) threads.threads, threads.activity, threads.participants")
    return Many()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(servers: Servers) -> AsyncIterator[Database]:
    """As the service's own role, with plans as they are once a statement was used often."""
    role = database_role("threads")
    url = as_role(servers.postgres_url, role, servers.credentials.postgres[role])
    own = Database(url, "threads", connections=1, settings={"plan_cache_mode": "force_generic_plan"})
    await own.open()
    yield own
    await own.close()


async def reads(database: Database, query: str, *arguments: object) -> dict[str, float]:
    """How many rows were read by each index."""
    async with database.reading(Many.workspace) as connection:
        await connection.execute(f"PREPARE asked AS {query}")
        explained = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) EXECUTE asked ({', '.join(map(literal, arguments))})"
        text: str = await connection.fetchval(explained)
        await connection.execute("DEALLOCATE asked")
    found: dict[str, float] = {}
    for node in nodes(from_json(text)[0]["Plan"]):
        if "Index Name" in node and node["Actual Loops"]:
            rows = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            found[node["Index Name"]] = found.get(node["Index Name"], 0) + rows
    return found


def literal(value: object) -> str:
    if value is None or isinstance(value, bool | int):
        return "NULL" if value is None else str(value)
    if isinstance(value, list):
        return "'{" + ",".join("NULL" if one is None else str(one) for one in value) + "}'"
    return f"'{value.replace(tzinfo=None)}'" if isinstance(value, datetime) else f"'{value}'"


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def test_a_page_of_threads_reads_those_that_it_shows(many: Many, database: Database) -> None:
    query = listing._PAGES[listing._Asked(Sight.OPEN, words=False)]
    filters = (many.creator, None, ["active", "closed"], None, None)
    for start in (listing.TOP, listing.Place(datetime.now().astimezone(), new_id())):
        found = await reads(database, query, *filters, False, start.at, start.thread_id, 51, 0)
        assert (found["activity_newest"], found["threads_pkey"]) == (51, 51)


async def test_so_it_does_for_one_who_takes_part_in_most(many: Many, threads: Service, database: Database) -> None:
    query = listing._PAGES[listing._Asked(Sight.OPEN, words=False)]
    at = await threads.database.fetchval("SELECT at FROM threads.activity WHERE thread_id = $1", many.hidden[0])
    for start in (listing.TOP, listing.Place(at, many.hidden[0])):
        found = await reads(database, query, many.reader, None, ["active", "closed"], None, None, False, start.at, start.thread_id, 51, 0)
        assert (found.pop("activity_newest"), found.pop("threads_pkey")) == (51, 51)
        assert sum(found.values()) <= 51, "one look-up for each that is hidden"


async def test_a_page_of_participants_reads_those_that_it_shows(many: Many, database: Database) -> None:
    start = membership.BEGINNING
    found = await reads(database, membership._HERE, many.wide, None, None, None, start.joined_at, start.id, 51)
    assert found == {"participants_in_order": 51}


async def test_who_of_a_thousand_may_read_a_thread_reads_their_seats_and_not_the_other_ten_thousand(many: Many, database: Database) -> None:
    users, contacts = [*many.crowd[::20], *many.hidden[:500]], [f"{user_id}@x.org" for user_id in (*many.crowd[1::20], *many.hidden[:500])]
    found = await reads(database, access.AUDIENCE, many.crowded, users, contacts)
    assert found.pop("threads_pkey") == 1
    assert sum(found.values()) == pytest.approx(1_000, rel=0.01), "500 by users, 500 by contacts"


async def test_a_view_reads_the_participants_that_it_shows(many: Many, database: Database) -> None:
    assert await reads(database, views._PARTICIPANTS, many.wide) == {"participants_in_order": 100}
    found = await reads(database, views._READERS_THREADS, [many.wide, many.threads[1]], [None, None])
    assert found == {"threads_pkey": 2, "activity_pkey": 2, "participants_in_order": 104}
