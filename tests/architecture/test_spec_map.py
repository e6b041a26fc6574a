"""docs/spec-map.md: every item of the five documents has its row, and what a row says is here is here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from tests.architecture.claims import DATABASE_KINDS, FINDERS, ROOT, facts_of, holds, kind_of, routes
from tests.servers import Servers

PAGE = ROOT / "docs/spec-map.md"
ITEMS = Path(__file__).with_name("spec_items.txt")  # every item that the documents name, in their order
STATUSES = ("here", "to come", "decided otherwise")
ENDPOINT = re.compile(r"`((?:GET|POST|PUT|PATCH|DELETE) /api\S*)`(?: →|$)")


@dataclass(frozen=True)
class Row:
    line: int
    spec: str
    section: str
    cells: tuple[str, ...]

    @property
    def item(self) -> str:
        return self.cells[0]

    @property
    def claims(self) -> list[str]:
        """What Where and Proof put in backticks; a row to come claims nothing."""
        return re.findall(r"`([^`]+)`", " ".join(self.cells[2:]))

    def __str__(self) -> str:
        return f"line {self.line} ({self.item})"


def rows_of(page: str) -> Iterator[Row]:
    spec = section = ""
    for number, line in enumerate(page.splitlines(), start=1):
        if line.startswith("## "):
            spec, section = line.removeprefix("## ").partition(":")[0], ""
        elif line.startswith("### "):
            section = line.removeprefix("### ")
        elif spec and line.startswith("|") and not re.match(r"\| Spec item \||\|---", line):
            yield Row(number, spec, section, tuple(cell.strip() for cell in line.strip().strip("|").split("|")))


ROWS = list(rows_of(PAGE.read_text()))


def fault_of_form(row: Row) -> str | None:
    """Why a row is malformed."""
    if len(row.cells) != 4:
        return f"has {len(row.cells)} cells"
    _, status, where, proof = row.cells
    words = re.sub(r"`[^`]*`", "", where).strip(" ,;:")
    unknown = [claim for claim in row.claims if kind_of(claim) is None]
    if status not in STATUSES:
        return f"has the status {status!r}"
    if unknown:
        return f"claims in no known form: {unknown}"
    if status == "here" and "`" not in where:
        return "is here and claims nothing"
    if status == "to come" and (not words or row.claims):
        return "is to come, and must name the part that brings it and claim nothing"
    if status == "decided otherwise" and not words:
        return "is decided otherwise without a reason"
    if re.sub(r"`test [^`]+`|[ ,]", "", proof):
        return f"has the proof {proof!r}, which is no test"
    return None


def test_every_item_of_the_documents_has_its_row_in_their_order() -> None:
    spec = section = ""
    items = []
    for line in ITEMS.read_text().splitlines():
        if line.startswith("# "):
            spec = line.removeprefix("# ")
        elif line.startswith("## "):
            section = line.removeprefix("## ")
        elif line:
            items.append((spec, section, line))
    assert [(row.spec, row.section, row.item) for row in ROWS] == items


def test_every_row_is_well_formed() -> None:
    assert [f"{row} {fault}" for row in ROWS if (fault := fault_of_form(row))] == []


def test_what_the_rows_claim_of_the_code_is_there() -> None:
    claims = [(row, claim) for row in ROWS for claim in row.claims if kind_of(claim) in FINDERS]
    assert [f"{row}: {claim}" for row, claim in claims if not holds(claim)] == []


async def test_what_the_rows_claim_of_the_database_is_there(servers: Servers) -> None:
    database = await asyncpg.connect(servers.postgres_url)
    try:
        facts = await facts_of(database)
    finally:
        await database.close()
    claims = [(row, claim) for row in ROWS for claim in row.claims if kind_of(claim) in DATABASE_KINDS]
    assert [f"{row}: {claim}" for row, claim in claims if claim not in facts] == []


def test_an_endpoint_that_is_there_is_not_still_to_come() -> None:
    to_come = [(row, found[1]) for row in ROWS if row.cells[1] == "to come" and (found := ENDPOINT.match(row.item))]
    assert [str(row) for row, endpoint in to_come if re.sub(r":(\w+)", r"{\1}", endpoint) in routes()] == []


@pytest.mark.parametrize(
    "claim",
    [
        "route GET /api/nowhere",
        "setting ATRIUM_NOTHING",
        "metric nothing_total",
        "code shared/contracts/threads/threads.py::Nothing",
        "code shared/contracts/threads/threads.py::OpenThread.nothing",
        "code shared/contracts/messages/content.py::CONTENT_LENGTH = 10_001",
        "fields shared/contracts/threads/threads.py::OpenThread (title, nothing)",
        "values shared/contracts/messages/messages.py::Channel = in-app, whatsapp",
        "file shared/nothing.py",
        "doc docs/spec-map.md#nothing",
        "test tests/architecture/test_spec_map.py::test_nothing",
    ],
)
def test_a_claim_of_what_is_not_there_is_noticed(claim: str) -> None:
    assert kind_of(claim) in FINDERS
    assert not holds(claim)
