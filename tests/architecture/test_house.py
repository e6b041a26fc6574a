"""The house is as docs/architecture.md draws it, and every service's tables are those of its database."""

import re
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, UniqueConstraint, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import services.attachments.tables
import services.graph.tables
import services.identity.tables
import services.messages.tables
import services.projects.tables
import services.threads.tables
from shared.contracts.documents import events
from shared.contracts.operations import Operation
from shared.contracts.subscriptions import Subscription
from shared.credentials import SERVICES, STORING_SERVICES
from shared.database.versions import wanted_version
from tests.servers import Servers

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.relative_to(ROOT) for folder in ("atrium", "services", "shared") for path in (ROOT / folder).rglob("*.py"))
LONGEST = 300  # lines; past it, a module is split by aggregate
SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "base", "core", "lib"}
TABLES: dict[str, MetaData] = {
    "identity": services.identity.tables.metadata,
    "threads": services.threads.tables.metadata,
    "messages": services.messages.tables.metadata,
    "attachments": services.attachments.tables.metadata,
    "projects": services.projects.tables.metadata,
    "graph": services.graph.tables.metadata,
}
EACH_STORING = pytest.mark.parametrize("service", STORING_SERVICES)


@EACH_STORING
def test_a_services_migrations_are_numbered_and_none_branches_off(service: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "services" / service / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [wanted_version(service)]


def test_every_folder_of_services_is_a_service() -> None:
    folders = {path.name for path in (ROOT / "services").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(SERVICES)


@EACH_STORING
def test_a_service_has_the_rooms_of_every_other(service: str) -> None:
    folder = ROOT / "services" / service
    for file in ("README.md", "main.py", "settings.py", "tables.py", "migrations/env.py", "migrations/versions"):
        assert (folder / file).exists(), file
    for room in ("handlers", "domain", "repository"):
        assert (folder / f"{room}.py").exists() or (folder / room / "__init__.py").exists(), room
    hears = any(subscription.service == service for subscription in Subscription.known)
    assert (folder / "consumers.py").exists() == hears, "reactions to events, where there are any"


def test_the_gateway_has_its_rooms() -> None:
    for file in ("README.md", "main.py", "settings.py", "auth.py", "errors.py", "limits.py", "routes/__init__.py"):
        assert (ROOT / "services" / "gateway" / file).exists(), file
    assert not (ROOT / "services" / "gateway" / "tables.py").exists(), "it owns nothing"


@pytest.mark.parametrize("room", ["contracts", "messaging", "outbox", "embedded", "database", "observability", "settings.py"])
def test_what_services_share_has_its_rooms(room: str) -> None:
    assert (ROOT / "shared" / room).exists()


@EACH_STORING
def test_a_services_readme_names_what_it_owns_answers_emits_and_consumes(service: str) -> None:
    readme = (ROOT / "services" / service / "README.md").read_text()
    assert [word for word in ("Owns", "Answers", "Emits", "Consumes") if f"**{word}**" not in readme] == []
    operations = {operation.name for operation in Operation.known if operation.owner == service}
    said = {event.event_type.split(".")[1] for event in events() if event.owner == service}
    heard = {event.event_type.split(".")[1] for one in Subscription.known if one.service == service for event in one.events}
    own = {table.name for table in TABLES[service].tables.values()} - {"outbox", "inbox", "parked", "idempotency_keys"}
    assert {name for name in operations | said | heard | own if f"`{name}`" not in readme} == set()


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_fits_in_the_head(module: Path) -> None:
    assert len((ROOT / module).read_text().splitlines()) <= LONGEST


def test_a_module_is_called_by_what_it_is_about() -> None:
    names = {part.lower() for module in MODULES for part in (*module.parent.parts, *module.stem.split("_"))}
    assert names & SAY_NOTHING == set()


def test_a_class_is_called_by_what_it_is() -> None:
    classes = [name for module in MODULES for name in re.findall(r"^class (\w+)", (ROOT / module).read_text(), re.MULTILINE)]
    assert [name for name in classes if re.search(r"(Manager|Helper|Utils?|Processor|Impl)$", name)] == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|for now\b|NotImplementedError|except:|suppress\(Exception\)")
    status = re.compile(r"""TaskStatus\.TODO|TODO = "TODO"|'TODO'""")  # what a task is, in spec 4's own word
    assert [str(module) for module in MODULES if marks.search(status.sub("", (ROOT / module).read_text()))] == []


@EACH_STORING
async def test_a_services_tables_are_those_of_its_database(service: str, servers: Servers) -> None:
    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(servers.postgres_url)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(_differences, service) == []
            assert await connection.run_sync(_constraints, service) == _declared(TABLES[service])
    finally:
        await engine.dispose()


def _differences(connection: Connection, service: str) -> list[object]:
    """What Alembic would change; the months of `messages` are made by the service itself."""
    partitions = set(
        connection.scalars(
            text("SELECT relname FROM pg_class WHERE relispartition AND relnamespace = to_regnamespace(:schema)"), {"schema": service}
        )
    )

    def ours(name: str | None, kind: str, parents: object) -> bool:
        if kind == "schema":
            return name == service
        return kind != "table" or name not in partitions | {"schema_version"}

    options = {"include_schemas": True, "include_name": ours, "compare_type": True, "compare_server_default": True}
    found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=options), TABLES[service])
    return found


_COUNTED = """
    SELECT relname, contype::text, count(*) FROM pg_constraint JOIN pg_class c ON c.oid = conrelid
    WHERE relnamespace = to_regnamespace(:schema) AND NOT relispartition AND relname <> 'schema_version' AND contype IN ('u', 'f', 'p')
    GROUP BY 1, 2"""


def _constraints(connection: Connection, service: str) -> dict[tuple[str, str], int]:
    return {(table, kind): count for table, kind, count in connection.execute(text(_COUNTED), {"schema": service})}


def _declared(metadata: MetaData) -> dict[tuple[str, str], int]:
    counted: dict[tuple[str, str], int] = {}
    for table in metadata.tables.values():
        unique = sum(isinstance(constraint, UniqueConstraint) for constraint in table.constraints)
        for kind, count in (("p", 1), ("u", unique), ("f", len(table.foreign_key_constraints))):
            if count:
                counted[table.name, kind] = count
    return counted
