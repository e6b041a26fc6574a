"""A real Neo4j for tests, from the jars that `.ci/run` or `make neo4j` fetched."""

import os
import shutil
from pathlib import Path

import pytest

from shared.embedded.neo4j import Neo4jServer
from tests.processes import free_port

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


def server(folder: Path) -> Neo4jServer:
    """One of its own, on a free port."""
    return Neo4jServer(folder, installed_library(), free_port())
