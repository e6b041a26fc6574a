"""A real Neo4j for tests, from the jars that `.ci/run` or `make neo4j` fetched."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import override

import pytest
from neo4j import AsyncGraphDatabase, AsyncSession

from shared.embedded.neo4j import USER, Neo4jServer

_PLACES = (os.environ.get("ATRIUM_TEST_NEO4J"), Path.home() / ".cache" / "atrium-ci" / "neo4j" / "lib", ".atrium/neo4j/lib")


def library() -> Path | None:
    """The jars, where they are and can be run."""
    there = [Path(place) for place in _PLACES if place and Path(place).is_dir()]
    return there[0] if there and shutil.which("java") else None


def installed_library() -> Path:
    """In CI it is there; elsewhere what needs it is skipped without it."""
    found = library()
    if found is not None:
        return found
    assert not os.environ.get("CI"), "Neo4j is missing: .ci/run installs it"
    pytest.skip("Neo4j is not there: `make neo4j` gets it, where there are Java and Maven")


class Neo4jOfTests(Neo4jServer):
    """Soon there, rather than fast for long. `settings`: lines that its next start adds to its own."""

    java = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
    pages = "128m"
    settings = ""

    @override
    async def prepare(self) -> None:
        await super().prepare()
        with (self.home / "conf" / "neo4j.conf").open("a") as conf:
            conf.write(self.settings)

    async def run_empty(self) -> None:
        """Whatever it was before."""
        if self.running:
            self.thaw()
        else:
            await self.start()
        driver = AsyncGraphDatabase.driver(self.url, auth=(USER, self.password))
        async with asyncio.timeout(self.patience), driver, driver.session() as session:
            await _empty(session)


async def _empty(session: AsyncSession) -> None:
    await (await session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS")).consume()
    for kind, which in (("CONSTRAINT", ""), ("INDEX", "WHERE type <> 'LOOKUP'")):
        found = await (await session.run(f"SHOW {kind} YIELD name, type {which} RETURN name")).data()
        for row in found:
            await (await session.run(f"DROP {kind} `{row['name']}`")).consume()
