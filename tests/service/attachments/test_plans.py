"""What is asked often is answered from its index, however many files there are."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from pydantic_core import from_json

from services.attachments.domain import BEGINNING
from services.attachments.repository import resumable, sweeping
from services.attachments.repository.attachments import END, PAGE
from services.attachments.repository.claims import POSTED
from services.attachments.repository.ledger import UNKNOWN
from services.attachments.repository.staged import OPEN
from services.attachments.repository.uploads import FINISH, GO_ON
from shared.credentials import database_role
from shared.database.connections import Connection, Database, as_role
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.attachments.conftest import Service

MANY = 20_000

# A file a millisecond, in 20 threads; each is in a message of its own.
_FILL = """
    INSERT INTO attachments.attachments (id, workspace_id, thread_id, message_id, claimed_at, posted_at, filename, mime_type, size_bytes,
        sha256, storage_key, uploaded_by_id, uploaded_by_role, scan_status, previewed_at, created_at)
    SELECT uuidv7(), $1, ($2::uuid[])[1 + number % 20], uuidv7(), now(), now(), 'a.txt', 'text/plain', 1,
        sha256(number::text::bytea), 'many/' || number, $3, 'agent', 'clean', now(), now() - number * interval '1 ms'
    FROM generate_series(1, $4::int) AS number"""

# Many small workspaces beside it: the planner, which cannot know whose statement it plans, expects a few rows of each.
_OTHERS = """
    INSERT INTO attachments.attachments (id, workspace_id, thread_id, message_id, claimed_at, posted_at, filename, mime_type, size_bytes,
        sha256, storage_key, uploaded_by_id, uploaded_by_role, scan_status, previewed_at)
    SELECT uuidv7(), uuidv7(), uuidv7(), uuidv7(), now(), now(), 'a.txt', 'text/plain', 1,
        sha256(number::text::bytea), 'others/' || number, uuidv7(), 'agent', 'clean', now()
    FROM generate_series(1, 2000) AS number"""

# Clients have put so many by themselves, of which none is due.
_STAGE = """
    INSERT INTO attachments.staged (id, workspace_id, thread_id, owner_id, storage_key, filename, size_bytes, sha256, put_until, expires_at,
        sweep_at)
    SELECT uuidv7(), $1, $2, $3, 'staging/' || number, 'a.txt', 1, sha256(number::text::bytea), now(), now() + interval '1 hour',
        now() + interval '1 hour'
    FROM generate_series(1, $4::int) AS number"""

# An upload in a hundred is one of the author's; each has four parts.
_RESUMED = """
    WITH begun AS (
        INSERT INTO attachments.resumable_uploads (id, workspace_id, thread_id, owner_id, filename, metadata, size_bytes, expires_at)
        SELECT uuidv7(), $1, $2, CASE WHEN number % 100 = 0 THEN $3 ELSE uuidv7() END, 'a.txt', '', 1_000, now() + interval '1 day'
        FROM generate_series(1, 2_000) AS number RETURNING id, owner_id)
    INSERT INTO attachments.uploads
        (id, workspace_id, thread_id, owner_id, kind, storage_key, resumable_id, begins_at, size_bytes, expires_at)
    SELECT uuidv7(), $1, $2, owner_id, 'tus', 'many/' || part || id, id, part, nullif(part, 4), now() + interval '1 day'
    FROM begun CROSS JOIN generate_series(1, 4) AS part"""

type Plan = dict[str, Any]


class Crowd:
    workspace, threads, author = new_id(), [new_id() for _ in range(20)], new_id()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(attachments: Service) -> Crowd:
    await attachments.database.execute(_FILL, Crowd.workspace, Crowd.threads, Crowd.author, MANY)
    await attachments.database.execute(_OTHERS)
    await attachments.database.execute(_RESUMED, Crowd.workspace, Crowd.threads[0], Crowd.author)
    await attachments.database.execute("VACUUM (ANALYZE) attachments.attachments, attachments.uploads, attachments.resumable_uploads")
    return Crowd()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own(servers: Servers) -> AsyncIterator[Database]:
    """As the service's own role."""
    role = database_role("attachments")
    database = Database(as_role(servers.postgres_url, role, servers.credentials.postgres[role]), "attachments", connections=1)
    await database.open()
    yield database
    await database.close()


async def plan(connection: Connection, query: str, *arguments: object) -> Plan:
    text: str = await connection.fetchval(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF, FORMAT JSON) {query}", *arguments)
    found: Plan = from_json(text)[0]["Plan"]
    return found


def scans(node: Plan) -> Iterator[Plan]:
    """What reads tables; what changes them is above it."""
    tables = ("attachments", "uploads", "staged", "links", "resumable_uploads")
    if node.get("Relation Name") in tables and node["Node Type"] != "ModifyTable":
        yield node
    for inner in node.get("Plans", ()):
        yield from scans(inner)


def read(found: Plan) -> float:
    rows: float = sum((each["Actual Rows"] + each.get("Rows Removed by Filter", 0)) * each["Actual Loops"] for each in scans(found))
    return rows


@pytest.mark.parametrize("inspects", [False, True])
async def test_a_page_reads_what_it_shows(crowd: Crowd, own: Database, inspects: bool) -> None:
    async with own.reading(crowd.workspace) as connection:
        found = await plan(connection, PAGE, crowd.threads[0], *END, BEGINNING, [0, 1, 2], new_id(), 51, inspects)
    assert {each.get("Index Name") for each in scans(found)} == {"attachments_thread"}
    assert read(found) == 51


async def test_files_of_messages_cost_a_look_each(crowd: Crowd, attachments: Service) -> None:
    ids = [new_id() for _ in range(200)]
    async with attachments.background.installation() as connection:
        found = await plan(connection, POSTED, ids, ids, [BEGINNING] * 200, [0] * 200)
    assert {each.get("Index Name") for each in scans(found)} == {"attachments_pkey"}
    assert read(found) == 0


async def test_an_upload_that_goes_on_reads_its_own_parts(crowd: Crowd, own: Database, attachments: Service) -> None:
    row = await attachments.database.fetchrow("SELECT id, resumable_id FROM attachments.uploads WHERE begins_at = 4 LIMIT 1")
    assert row is not None
    upload, part = row["resumable_id"], row["id"]
    async with own.workspace(crowd.workspace) as connection:
        for query, arguments in (
            (resumable.UNDER_WAY, (upload,)),
            (resumable.KEYS, (upload, part)),
            (resumable.LIVE_ON, (upload,)),
            (resumable.DROP_PARTS, (upload, part)),
        ):
            found = await plan(connection, query, *arguments)
            assert {each.get("Index Name") for each in scans(found)} == {"uploads_parts"}
            assert read(found) <= 4
        found = await plan(connection, GO_ON, [part], crowd.author)
        assert read(found) <= 2


async def test_uploads_that_end_at_once_cost_a_look_each(crowd: Crowd, attachments: Service, own: Database) -> None:
    rows = await attachments.database.fetch("SELECT id, owner_id FROM attachments.uploads WHERE begins_at = 1 LIMIT 50")
    ids, owners, threads = [row["id"] for row in rows], [row["owner_id"] for row in rows], [crowd.threads[0]] * 50
    as_text = [["agent"] * 50, ["Name"] * 50, ["pending"] * 50, ["a.txt"] * 50, ["text/plain"] * 50]
    async with own.workspace(crowd.workspace) as connection:
        found = await plan(connection, FINISH, crowd.workspace, ids, threads, owners, *as_text, [1] * 50, [bytes(32)] * 50, [False] * 50)
        await connection.execute("ROLLBACK AND CHAIN")
    assert {each.get("Index Name") for each in scans(found)} == {"uploads_pkey"}
    assert read(found) == 50


async def test_what_one_has_begun_is_counted_by_what_they_have(crowd: Crowd, own: Database) -> None:
    async with own.workspace(crowd.workspace) as connection:
        found = await plan(connection, resumable.UNFINISHED, crowd.author)
    assert {each.get("Index Name") for each in scans(found)} == {"resumable_uploads_unfinished"}
    assert read(found) == 20


async def test_what_is_forgotten_is_found_by_its_end(crowd: Crowd, attachments: Service) -> None:
    async with attachments.background.connection() as connection:
        found = await plan(connection, resumable.FORGET_RESUMABLE, 1_000)
    assert "Seq Scan" not in {each["Node Type"] for each in scans(found)}
    assert read(found) < 20


async def test_a_sweep_without_work_reads_nothing(crowd: Crowd, attachments: Service) -> None:
    async with attachments.background.connection() as connection:
        purge, expired = await plan(connection, sweeping.TO_PURGE, 100, 30, []), await plan(connection, sweeping.EXPIRED, 100, [])
    assert "Seq Scan" not in {each["Node Type"] for each in (*scans(purge), *scans(expired))}
    assert read(purge) + read(expired) < 20


async def test_a_role_sees_the_files_of_its_workspace_alone(crowd: Crowd, own: Database) -> None:
    count = "SELECT count(*) FROM attachments WHERE uploaded_by_id = $1"
    async with own.reading(crowd.workspace) as connection:
        assert await connection.fetchval(count, crowd.author) == MANY
    for workspace in (new_id(), None):
        async with own.workspace(workspace) as connection:
            assert await connection.fetchval(count, crowd.author) == 0


async def test_what_is_staged_is_found_by_its_indexes(attachments: Service, own: Database) -> None:
    await attachments.database.execute(_STAGE, Crowd.workspace, Crowd.threads[0], Crowd.author, MANY)
    await attachments.database.execute("VACUUM (ANALYZE) attachments.staged")
    async with attachments.background.connection() as connection:
        due = await plan(connection, sweeping.STAGED, 100, [])
        unknown = await plan(connection, UNKNOWN, ["staging/7", "staging/no"], ["a", "b"], [new_id(), new_id()], [None, None])
    async with own.reading(Crowd.workspace) as connection:
        opened = await plan(connection, OPEN, new_id(), Crowd.threads[0], Crowd.author)
    assert {each.get("Index Name") for each in scans(due)} == {"staged_to_sweep"}
    assert {each.get("Index Name") for each in scans(opened) if each["Relation Name"] == "staged"} == {"staged_pkey"}
    assert {each.get("Index Name") for each in scans(unknown) if each["Relation Name"] == "staged"} == {"staged_storage_key"}
    assert (read(due), read(opened)) == (0, 0)
    await attachments.database.execute("DELETE FROM attachments.staged WHERE workspace_id = $1", Crowd.workspace)
