"""Workspaces know nothing of each other, and the service's role sees no row without one."""

import asyncpg
import pytest

from services.threads.tables import metadata
from shared.contracts.threads.access import Right, ThreadNotFound
from shared.credentials import background_role, database_role
from shared.database.connections import as_role
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.threads.conftest import People, Service, sent

TABLES = ("threads", "participants", "activity")
HISTORY = {"threads_history": 1, "participants_history": 3}


async def test_an_admin_of_another_workspace_finds_nothing(threads: Service, people: People) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    stranger = People(new_id()).admin
    namesake = people.client.model_copy(update={"workspace_id": stranger.workspace_id})
    for caller in (stranger, namesake):
        for attempt in (
            threads.get(thread, caller),
            threads.change(thread, caller, title="Mine"),
            threads.archive(thread, caller),
            threads.access(thread, caller, Right.READ),
        ):
            with pytest.raises(ThreadNotFound):
                await attempt
        assert (await threads.page(caller)).total == 0


@pytest.mark.parametrize("table", TABLES)
async def test_the_services_role_sees_the_rows_of_its_workspace_alone(
    threads: Service, people: People, servers: Servers, table: str
) -> None:
    await threads.open(people.agent)
    role = database_role("threads")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    counted = f"SELECT count(*) FROM threads.{table}"
    try:
        assert await connection.fetchval(counted) == 0
        for workspace_id, count in ((new_id(), 0), (people.workspace_id, 1)):
            await connection.execute("SELECT set_config('app.workspace', $1, false)", str(workspace_id))
            assert await connection.fetchval(counted) == count
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"DELETE FROM threads.{table}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE threads.{table} SET workspace_id = $1", new_id())
    finally:
        await connection.close()


@pytest.mark.parametrize("table", HISTORY)
async def test_history_is_its_workspaces_alone(threads: Service, people: People, servers: Servers, table: str) -> None:
    thread = await threads.open(people.agent, participants=[sent(people.client)])
    await threads.change(thread, people.agent, title="Tour", participants=[])
    role = database_role("threads")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        for workspace_id, count in ((new_id(), 0), (people.workspace_id, HISTORY[table])):
            await connection.execute("SELECT set_config('app.workspace', $1, false)", str(workspace_id))
            assert await connection.fetchval(f"SELECT count(*) FROM threads.{table}") == count
    finally:
        await connection.close()


async def test_the_services_role_reads_no_other_schema(servers: Servers, threads: Service) -> None:
    role = database_role("threads")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        for table in ("messages.messages", "identity.users"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT FROM {table}")
    finally:
        await connection.close()


async def test_the_background_role_sees_all_workspaces(threads: Service, people: People, servers: Servers) -> None:
    await threads.open(people.agent)
    await threads.open(People(new_id()).agent)
    role = background_role("threads")
    connection = await asyncpg.connect(as_role(servers.postgres_url, role, servers.credentials.postgres[role]))
    try:
        assert await connection.fetchval("SELECT count(DISTINCT workspace_id) FROM threads.threads") >= 2
    finally:
        await connection.close()


async def test_the_tables_are_those_of_the_code(threads: Service) -> None:
    rows = await threads.database.fetch(
        "SELECT table_name, column_name, is_nullable FROM information_schema.columns WHERE table_schema = 'threads'"
    )
    found = {(row["table_name"], row["column_name"], row["is_nullable"] == "YES") for row in rows if row["table_name"] != "schema_version"}
    assert found == {(table.name, column.name, bool(column.nullable)) for table in metadata.tables.values() for column in table.columns}
    indexes = await threads.database.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'threads' AND indexname NOT LIKE '%_pkey'")
    named = {index.name for table in metadata.tables.values() for index in table.indexes}
    assert {row["indexname"] for row in indexes} - {"threads_booking", "threads_direct", "threads_project", "schema_version_pkc"} == named
