"""Workers and operators find what they look for by its index, however many files there are."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from pydantic_core import from_json

from services.attachments.repository import inspection, leases, ledger, scans, sweeping
from services.attachments.repository.attachments import END
from shared.contracts.attachments.attachments import ScanStatus
from shared.identifiers import new_id
from shared.store.store import new_key
from tests.service.attachments.conftest import Service

MANY = 10_000

# One in a hundred was found infected, and is in quarantine; all others are clean.
_FILL = """
    INSERT INTO attachments.attachments (id, workspace_id, thread_id, filename, mime_type, size_bytes, sha256, storage_key, uploaded_by_id,
        uploaded_by_role, scan_status, signatures, previewed_at, created_at)
    SELECT uuidv7(), $1, $1, 'a.txt', 'text/plain', 1, sha256(number::text::bytea),
        CASE number % 100 WHEN 0 THEN 'quarantine/' ELSE 'files/' END || number, $1, 'agent',
        CASE number % 100 WHEN 0 THEN 'infected' ELSE 'clean' END, 'today', now(), now() - number * interval '1 ms'
    FROM generate_series(1, $2::int) AS number"""

type Plan = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(attachments: Service) -> Service:
    await attachments.database.execute(_FILL, new_id(), MANY)
    await attachments.database.execute("VACUUM (ANALYZE) attachments.attachments")
    return attachments


async def plan(many: Service, query: str, *arguments: object) -> list[Plan]:
    """What of a plan reads tables of ours."""
    async with many.background.installation() as connection:
        text: str = await connection.fetchval(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF, FORMAT JSON) {query}", *arguments)
    return list(_reads(from_json(text)[0]["Plan"]))


def _reads(node: Plan) -> Iterator[Plan]:
    if node.get("Relation Name") == "attachments" and node["Node Type"] != "ModifyTable":
        yield node
    for inner in node.get("Plans", ()):
        yield from _reads(inner)


def read(found: list[Plan]) -> int:
    rows: float = sum((each["Actual Rows"] + each.get("Rows Removed by Filter", 0)) * each["Actual Loops"] for each in found)
    return round(rows)  # PostgreSQL tells an average of loops


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        (leases.TAKE_TO_SCAN, (24, new_id(), leases.LEASE)),
        (leases.TAKE_TO_PREVIEW, (6, new_id(), leases.LEASE)),
        (scans.OLDEST, ()),
        (scans.UNSCANNED, (500,)),
        (inspection.SAME_BYTES, (new_id(), datetime.now(UTC), 500)),
        (inspection.OUTDATED, ("today", 500)),
    ],
    ids=["to scan", "to preview", "the oldest", "unscanned", "same bytes", "outdated"],
)
async def test_where_nothing_waits_nothing_is_read(many: Service, query: str, arguments: tuple[object, ...]) -> None:
    found = await plan(many, query, *arguments)
    assert ("Seq Scan" in {each["Node Type"] for each in found}, read(found)) == (False, 0)


async def test_what_is_in_quarantine_is_all_that_a_round_looks_through(many: Service) -> None:
    found = await plan(many, scans.INFECTED, 100, [])
    assert {each["Index Name"] for each in found} == {"attachments_to_purge"}
    assert read(found) == MANY / 100


async def test_the_oldest_of_many_that_wait_is_read_alone(many: Service) -> None:
    became = "UPDATE attachments.attachments SET scan_status = $2 WHERE scan_status = $1"
    await many.database.execute(became, "infected", "pending")
    found = await plan(many, scans.OLDEST)
    await many.database.execute(became, "pending", "infected")
    assert ([each["Index Name"] for each in found], read(found)) == (["attachments_waiting"], 1)


async def test_a_page_of_scans_reads_a_page_of_each_state(many: Service) -> None:
    assert read(await plan(many, inspection.LIST, [ScanStatus.INFECTED], *END, 51)) == 51
    assert read(await plan(many, inspection.LIST, [*ScanStatus], *END, 51)) == 2 * 51


async def test_files_of_a_digest_are_found_without_reading_others(many: Service) -> None:
    one = await many.database.fetchval("SELECT id FROM attachments.attachments WHERE scan_status = 'clean' LIMIT 1")
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    await many.database.execute("UPDATE attachments.attachments SET scanned_at = now() WHERE id = $1", one)
    found = await plan(many, inspection.SAME_BYTES, one, long_ago, 500)
    assert ({each.get("Index Name") for each in found} >= {"attachments_digest"}, read(found)) == (True, 2)


async def test_objects_are_looked_up_by_their_keys(many: Service) -> None:
    keys = [new_key("files") for _ in range(100)]
    found = await plan(many, ledger.UNKNOWN, keys, keys, [None] * 100, [None] * 100)
    assert ("Seq Scan" in {each["Node Type"] for each in found}, read(found)) == (False, 0)


async def test_what_is_to_leave_the_quarantine_is_found_among_all_that_could_not_be_scanned(many: Service) -> None:
    """Which is the last test, as it makes a tenth of the files such ones."""
    await many.database.execute("UPDATE attachments.attachments SET scan_status = 'unscannable' WHERE sha256 < '\\x1a'")
    await many.database.execute("VACUUM (ANALYZE) attachments.attachments")
    found = await plan(many, sweeping.TO_PURGE, 100, 30, [])
    assert {each["Index Name"] for each in found} == {"attachments_to_purge", "attachments_never_cleared"}
    assert read(found) < MANY / 50
