"""The plans of the statements behind a request, as PostgreSQL ran them for the product: auto_explain writes them into its log."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.credentials import STORING_SERVICES, database_role
from tests.bench.history import Connection

type Node = dict[str, Any]

_PLAN = re.compile(r"duration: ([\d.]+) ms  plan:\n((?:\t.*\n)+)")
_MONTH = re.compile(r"_2\d{3}_\d\d")
_WORDS = 90  # characters of a statement that are shown

_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_parameter_max_length": "0",
}


@dataclass(frozen=True)
class Planned:
    """One statement of a request: EXPLAIN (ANALYZE, BUFFERS) of it."""

    statement: str
    milliseconds: float
    plan: Node

    @property
    def buffers(self) -> int:
        """Pages of tables and indexes that were looked at."""
        found: int = self.plan.get("Shared Hit Blocks", 0) + self.plan.get("Shared Read Blocks", 0)
        return found

    @property
    def brief(self) -> str:
        """In a line: the statement's words, what it took, and how the tables were read."""
        words = " ".join(self.statement.split())
        rows, scans = Counter[str](), Counter[str]()
        for node in _nodes(self.plan):
            if node.get("Actual Loops") and ("Index Name" in node or node["Node Type"] == "Seq Scan"):
                name = _MONTH.sub("", node.get("Index Name") or f"{node['Relation Name']} (seq scan)")
                rows[name] += round(node["Actual Rows"] * node["Actual Loops"])
                scans[name] += node["Actual Loops"]
        read = "; ".join(f"{name}, {rows[name]:,} rows of {scans[name]:,.0f} scans" for name in scans)
        return f"{words if len(words) < _WORDS else f'{words[:_WORDS]} …'}: {self.milliseconds:.2f} ms, {self.buffers} pages ({read})"


def plans_in(log: str) -> list[Planned]:
    """Of the statements that read or write a table."""
    found = []
    for milliseconds, said in _PLAN.findall(log):
        explained = json.loads(said.replace("\n\t", "\n"))
        if any("Relation Name" in node or "Index Name" in node for node in _nodes(explained["Plan"])):
            found.append(Planned(explained["Query Text"], float(milliseconds), explained["Plan"]))
    return found


def _nodes(plan: Node) -> Iterator[Node]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


async def explain_services(database: Connection) -> None:
    """Have the plans of whatever services do for people written, from their next connection on; not of their background work."""
    await database.execute("LOAD 'auto_explain'")
    for service in STORING_SERVICES:
        for name, value in _SETTINGS.items():
            await database.execute(f"ALTER ROLE {database_role(service)} SET {name} = '{value}'")


class Log:
    """A server's log, read from where it was last read to."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0

    def skip(self) -> None:
        self._read = self._path.stat().st_size

    def news(self) -> str:
        with self._path.open("rb") as file:
            file.seek(self._read)
            said = file.read()
        self._read += len(said)
        return said.decode()
