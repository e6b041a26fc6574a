"""What is asked often is answered from its index, and a long thread costs no more than a short one."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from pydantic_core import from_json

from services.messages.domain import BEGINNING, Sight
from services.messages.repository import files, pages, parts, receipts, unread
from services.messages.repository import messages as stored
from shared.contracts.messages.unread import MOST_COUNTED
from shared.contracts.principal import Principal
from shared.credentials import database_role
from shared.database.connections import Database, as_role
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.messages.conftest import Service
from tests.service.watched import Watched

LONG = 20_000

# A message a millisecond; every tenth is a reply to the first, every hundredth a file.
_FILL = """
    INSERT INTO messages.messages (id, workspace_id, thread_id, seq, sub_seq, author_id, author_role, author_name, channel, message_type,
        content, content_metadata, metadata, delivery_status, created_at, updated_at, root_id)
    SELECT uuidv7(), $1, $2, number, 0, $3, 'agent', 'Ada', 'in-app', CASE number % 100 WHEN 0 THEN 'file' ELSE 'chat' END,
        'hello', '{}', '{}', 'delivered', $4::timestamptz + number * interval '1 ms', $4, CASE number % 10 WHEN 0 THEN $5::uuid END
    FROM generate_series(1, $6::int) AS number"""

# Many small workspaces beside it: the planner, which cannot know whose statement it plans, expects a few rows of each.
_OTHERS = """
    INSERT INTO messages.messages (id, workspace_id, thread_id, seq, sub_seq, author_id, author_role, author_name, channel, message_type,
        content, content_metadata, metadata, delivery_status, created_at, updated_at, root_id)
    SELECT uuidv7(), uuidv7(), uuidv7(), 1, 0, uuidv7(), 'agent', 'Ada', 'in-app', 'chat',
        'hello', '{}', '{}', 'delivered', $1::timestamptz + number * interval '1 ms', $1, NULL
    FROM generate_series(1, 2000) AS number"""

type Plan = dict[str, Any]


class Long:
    """A thread of 20,000 messages by one author, in a workspace of its own."""

    workspace, thread, author, root = new_id(), new_id(), new_id(), new_id()
    beginning = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)  # the month is there already


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def long(messages: Service) -> Long:
    await messages.database.execute(_FILL, Long.workspace, Long.thread, Long.author, Long.beginning, Long.root, LONG)
    await messages.database.execute(_OTHERS, Long.beginning)
    await messages.database.execute("VACUUM (ANALYZE) messages.messages")
    return Long()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(servers: Servers) -> AsyncIterator[Database]:
    """As the service's own role, with the settings of its sessions."""
    role = database_role("messages")
    url = as_role(servers.postgres_url, role, servers.credentials.postgres[role])
    own = Database(url, "messages", connections=1, settings={"plan_cache_mode": "force_generic_plan"})
    await own.open()
    yield own
    await own.close()


async def plan(database: Database, workspace: UUID, query: str, *arguments: object) -> Plan:
    async with database.reading(workspace) as connection:
        text: str = await connection.fetchval(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF, FORMAT JSON) {query}", *arguments)
    found: Plan = from_json(text)[0]["Plan"]
    return found


def end(long: Long) -> datetime:
    """When its last message was said."""
    return long.beginning + timedelta(milliseconds=LONG)


def scans(node: Plan, of: str = "messages_2") -> Iterator[Plan]:
    """What reads messages' partitions, or another table, and ran."""
    if str(node.get("Relation Name", "")).startswith(of) and node["Actual Loops"]:
        yield node
    for inner in node.get("Plans", ()):
        yield from scans(inner, of)


def read(found: list[Plan]) -> float:
    rows: float = sum((each["Actual Rows"] + each.get("Rows Removed by Filter", 0)) * each["Actual Loops"] for each in found)
    return rows


async def test_unread_messages_are_counted_over_the_index_alone_and_no_further_than_they_are_told(long: Long, database: Database) -> None:
    arguments = ([new_id()], [long.thread], [long.beginning], [long.beginning], [True], [True])
    found = list(scans(await plan(database, long.workspace, unread._COUNT, *arguments)))
    assert {each["Node Type"] for each in found} == {"Index Only Scan"}
    assert sum(each["Heap Fetches"] for each in found) == 0
    assert read(found) == MOST_COUNTED + 1


async def test_whoever_only_spoke_themselves_walks_no_further_than_the_counting_does(long: Long, database: Database) -> None:
    arguments = ([long.author], [long.thread], [long.beginning], [long.beginning], [True], [True])
    found = list(scans(await plan(database, long.workspace, unread._COUNT, *arguments)))
    assert {each["Node Type"] for each in found} == {"Index Only Scan"}
    assert read(found) == unread.MOST_WALKED


async def test_a_page_reads_what_it_shows(long: Long, database: Database) -> None:
    middle = long.beginning + timedelta(milliseconds=LONG // 2)
    for query in (pages._OLDER, pages._NEWER):
        found = list(scans(await plan(database, long.workspace, query, long.thread, middle, [0], long.beginning, 51)))
        assert read(found) == 51


async def test_a_poll_of_nothing_new_reads_no_message(messages: Service, long: Long, database: Database) -> None:
    await messages.database.execute("UPDATE messages.messages SET version = 2 WHERE thread_id = $1 AND seq <= 3000", long.thread)
    await messages.database.execute("VACUUM messages.messages")
    for after in (end(long), end(long) - timedelta(milliseconds=10_000)):
        found = list(scans(await plan(database, long.workspace, pages.NEWS, long.thread, after, [0], BEGINNING, None)))
        assert {each["Node Type"] for each in found} == {"Index Only Scan"}
        assert sum(each["Heap Fetches"] for each in found) == 0
        assert read(found) == (after < end(long)), "the newest, where it is new"
    last = await messages.database.fetchval(
        "SELECT id FROM messages.messages WHERE thread_id = $1 AND created_at = $2", long.thread, end(long)
    )
    found = list(scans(await plan(database, long.workspace, pages.NEWS, long.thread, end(long), [0], BEGINNING, last)))
    assert read(found) == 1, "the message that was named"


async def test_what_is_hidden_from_who_polls_is_passed_over_in_the_index(messages: Service, long: Long, database: Database) -> None:
    found = list(scans(await plan(database, long.workspace, pages.NEWS, long.thread, long.beginning, [2], BEGINNING, None)))
    assert {each["Node Type"] for each in found} == {"Index Only Scan"}
    assert sum(each["Heap Fetches"] for each in found) == 0


async def test_a_poll_of_nothing_new_is_one_statement(messages: Service, servers: Servers, thread: UUID, agent: Principal) -> None:
    said = [await messages.post(thread, f"no. {number}", agent) for number in range(2)]
    role = database_role("messages")
    watched = Watched(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "messages", connections=1)
    await watched.open()
    at, sees = said[1].created_at, Sight(notes=True, robots=True, since=BEGINNING)
    watched.queries = []
    own = pages.Pages(watched)
    await own.news(agent.workspace_id, thread, at, None, sees)  # at first the driver asks about types too
    watched.queries = []
    assert await own.news(agent.workspace_id, thread, at, said[1].id, sees) == pages.News(newer=False, changed_at=None)
    assert await own.news(agent.workspace_id, thread, said[0].created_at, said[0].id, sees) == pages.News(newer=True, changed_at=None)
    assert await own.news(agent.workspace_id, thread, at, said[0].id, sees) is None, "that is another moment"
    assert watched.queries == [pages.NEWS] * 3
    await watched.close()


async def test_a_page_of_replies_reads_what_it_shows(long: Long, database: Database) -> None:
    found = list(scans(await plan(database, long.workspace, pages._SUB_CONVERSATION, long.root, long.beginning, [0], long.beginning, 51)))
    assert {each["Index Name"].endswith("root_id_created_at_idx") for each in found} == {True}
    assert read(found) == 51


async def test_the_message_before_another_is_one_look_up(long: Long, database: Database) -> None:
    middle = long.beginning + timedelta(milliseconds=LONG // 2)
    assert read(list(scans(await plan(database, long.workspace, receipts._BEFORE, long.thread, middle, long.beginning, [0])))) == 1


async def test_marks_in_many_threads_are_one_look_up_each(messages: Service, long: Long, database: Database) -> None:
    found = await messages.database.fetch(
        "SELECT id, created_at FROM messages.messages WHERE thread_id = $1 AND seq > 100 ORDER BY seq LIMIT 30", long.thread
    )
    ids, moments = [row["id"] for row in found], [row["created_at"] for row in found]
    of_marks = list(scans(await plan(database, long.workspace, stored._GET_ALL, ids, moments)))
    assert read(of_marks) == 30
    before = list(scans(await plan(database, long.workspace, receipts._PUBLIC_BEFORE, [long.thread] * 30, moments)))
    assert read(before) == 30


async def test_who_takes_part_is_noted_by_indexes(messages: Service, long: Long, database: Database) -> None:
    await messages.database.execute(
        """INSERT INTO messages.read_receipts (workspace_id, thread_id, user_id, user_role, user_contact)
        SELECT $1, $2, uuidv7(), 'client', number || '@people.example' FROM generate_series(1, 20000) AS number""",
        long.workspace,
        long.thread,
    )
    await messages.database.execute("VACUUM (ANALYZE) messages.read_receipts")
    somebody = await messages.database.fetchval("SELECT user_id FROM messages.read_receipts WHERE user_contact = '7@people.example'")
    columns = ([long.thread] * 2, [somebody, None], [None, "8@people.example"], [long.beginning] * 2, [False] * 2)
    found = list(scans(await plan(database, long.workspace, parts._MOVE, *columns), "read_receipts"))
    assert 0 < read(found) <= 10
    page = (long.thread, UUID(int=0), 51, long.beginning, [0], somebody)
    shown = list(scans(await plan(database, long.workspace, receipts._RECEIPTS, *page), "read_receipts"))
    assert read(shown) == 52, "a page, and the one who takes no part any more"


async def test_the_messages_of_files_are_one_look_up_each(messages: Service, long: Long, database: Database) -> None:
    rows = await messages.database.fetch("SELECT id, created_at FROM messages.messages WHERE thread_id = $1 LIMIT 3", long.thread)
    moments = [row["created_at"] for row in rows]
    found = list(scans(await plan(database, long.workspace, files.FIND, [row["id"] for row in rows], moments)))
    assert {each["Node Type"] for each in found} == {"Index Scan"}
    assert read(found) == 3


async def test_when_what_a_newcomer_sees_last_changed_is_found_by_the_index(messages: Service, long: Long, database: Database) -> None:
    await messages.database.execute("UPDATE messages.messages SET version = 2 WHERE thread_id = $1 AND seq <= 3000", long.thread)
    await messages.database.execute("VACUUM messages.messages")
    joined = long.beginning + timedelta(milliseconds=1)
    found = list(scans(await plan(database, long.workspace, pages.NEWS, long.thread, end(long), [0], joined, None)))
    assert {each["Node Type"] for each in found} == {"Index Only Scan"}
    assert read(found) == 1


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("author_id = $1", "author_id_created_at_idx"),
        ("thread_id = $1 AND message_type = 'file' AND deleted_at IS NULL AND message_type <> 'chat'", "message_type_created_at_idx"),
    ],
)
async def test_messages_by_author_and_by_type_are_found_by_their_indexes(long: Long, database: Database, where: str, index: str) -> None:
    query = f"SELECT id FROM messages WHERE {where} AND created_at > $2 ORDER BY created_at DESC LIMIT 50"
    wanted = long.author if "author" in where else long.thread
    found = list(scans(await plan(database, long.workspace, query, wanted, long.beginning)))
    assert {each["Index Name"].endswith(index) for each in found} == {True}
    assert read(found) == 50


async def test_a_post_writes_no_history(messages: Service, long: Long) -> None:
    admin: asyncpg.Connection[asyncpg.Record] = messages.database
    assert await admin.fetchval("SELECT count(*) FROM messages.messages_history WHERE thread_id = $1", long.thread) == 0
    fired = await admin.fetch("SELECT tgtype FROM pg_trigger WHERE tgrelid = 'messages.messages'::regclass AND NOT tgisinternal")
    assert [trigger["tgtype"] & 4 for trigger in fired] == [0, 0], "none of its triggers fires for an insert"
