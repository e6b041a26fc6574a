"""Tables with history: nothing is changed by nobody, what was before is kept, and no service can touch what is kept."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from shared.credentials import background_role, database_role
from shared.database.connections import Database, as_role
from shared.database.history import SYSTEM_ACTOR, additions_of, history_of
from shared.database.policies import workspace_table
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.database.sessions import Session, inside, is_refused, signed_in

ROLE = database_role("threads")

_TABLE = """
    CREATE TABLE threads.pets (
        id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text NOT NULL, strokes integer NOT NULL DEFAULT 0,
        version integer NOT NULL DEFAULT 1, updated_at timestamptz NOT NULL DEFAULT now())"""


@pytest_asyncio.fixture(loop_scope="session")
async def pets(admin: Session, servers: Servers) -> AsyncIterator[Database]:
    """A table with history, as its service reaches it."""
    await admin.execute("SET ROLE atrium_owner")
    await admin.execute(_TABLE + ";" + workspace_table("threads", "pets", grants="SELECT, INSERT, UPDATE, DELETE"))
    await admin.execute(history_of("threads", "pets", without=["strokes"]) + workspace_table("threads", "pets_history", grants="SELECT"))
    await admin.execute("RESET ROLE")
    database = Database(as_role(servers.postgres_url, ROLE, servers.credentials.postgres[ROLE]), "threads", connections=2)
    await database.open()
    yield database
    await database.close()
    await admin.execute("DROP TABLE threads.pets_history, threads.pets")
    await admin.execute("DROP FUNCTION threads.log_pets_changes; DROP FUNCTION IF EXISTS threads.log_pets_additions")


async def pet(pets: Database, workspace_id: UUID) -> UUID:
    identifier = new_id()
    async with pets.workspace(workspace_id) as connection:
        await connection.execute("INSERT INTO pets (id, workspace_id, name) VALUES ($1, $2, 'Rex')", identifier, workspace_id)
    return identifier


async def changes(admin: Session) -> list[tuple[str, str, UUID, str | None]]:
    rows = await admin.fetch("SELECT operation_type, name, changed_by, reason FROM threads.pets_history ORDER BY history_id")
    return [tuple(row) for row in rows]


async def test_what_was_there_is_kept_with_who_changed_it_and_why(pets: Database, admin: Session) -> None:
    workspace_id, actor = new_id(), new_id()
    identifier = await pet(pets, workspace_id)
    async with pets.workspace(workspace_id, actor=actor, reason="Grew up; 'quoted'") as connection:
        await connection.execute("UPDATE pets SET name = 'Max', version = version + 1 WHERE id = $1", identifier)
    async with pets.workspace(workspace_id, actor=UUID(SYSTEM_ACTOR)) as connection:
        await connection.execute("DELETE FROM pets WHERE id = $1", identifier)
    assert await changes(admin) == [
        ("UPDATE", "Rex", actor, "Grew up; 'quoted'"),
        ("DELETE", "Max", UUID(SYSTEM_ACTOR), None),
    ]


async def test_counters_and_activity_times_make_no_history_and_need_nobody(pets: Database, admin: Session) -> None:
    workspace_id = new_id()
    identifier = await pet(pets, workspace_id)
    async with pets.workspace(workspace_id) as connection:
        await connection.execute("UPDATE pets SET strokes = strokes + 1, updated_at = now(), version = 7 WHERE id = $1", identifier)
        await connection.execute("UPDATE pets SET name = name WHERE id = $1", identifier)
    assert await changes(admin) == []


@pytest.mark.parametrize("statement", ["UPDATE pets SET name = 'Max'", "DELETE FROM pets"])
async def test_nothing_is_changed_by_nobody(pets: Database, admin: Session, statement: str) -> None:
    workspace_id = new_id()
    await pet(pets, workspace_id)
    async with pets.workspace(workspace_id, actor=new_id()) as connection:
        await connection.execute("UPDATE pets SET name = 'Rex II'")  # on this connection somebody was named before
    with pytest.raises(asyncpg.RaiseError, match="names nobody"):
        async with pets.workspace(workspace_id) as connection:
            await connection.execute(statement)
    assert [name for _, name, _, _ in await changes(admin)] == ["Rex"]


async def test_additions_say_who_made_them_and_why(pets: Database, admin: Session) -> None:
    workspace_id, actor = new_id(), new_id()
    await admin.execute("SET ROLE atrium_owner;" + additions_of("threads", "pets") + "RESET ROLE")
    two = "INSERT INTO pets (id, workspace_id, name) SELECT uuidv7(), $1, unnest(ARRAY['Rex', 'Max'])"
    async with pets.workspace(workspace_id, actor=actor, reason="Two of a litter") as connection:
        await connection.execute(two, workspace_id)
    with pytest.raises(asyncpg.RaiseError, match="names nobody"):
        async with pets.workspace(workspace_id) as connection:
            await connection.execute(two, workspace_id)
    assert await changes(admin) == [("INSERT", name, actor, "Two of a litter") for name in ("Rex", "Max")]


async def test_a_change_that_is_undone_leaves_no_history(pets: Database, admin: Session) -> None:
    workspace_id = new_id()
    await pet(pets, workspace_id)
    with pytest.raises(asyncpg.UndefinedColumnError):
        await _spoil(pets, workspace_id)
    assert await changes(admin) == []


async def _spoil(pets: Database, workspace_id: UUID) -> None:
    async with pets.workspace(workspace_id, actor=new_id()) as connection:
        await connection.execute("UPDATE pets SET name = 'Max'")
        await connection.execute("UPDATE pets SET colour = 'red'")


@pytest.mark.parametrize("role", [database_role, background_role])
@pytest.mark.parametrize("table", ["pets_history", "threads_history", "participants_history"])
async def test_no_role_of_a_service_writes_history(pets: Database, servers: Servers, role: Callable[[str], str], table: str) -> None:
    async with signed_in(servers, role("threads")) as session:
        for statement in (
            f"INSERT INTO threads.{table} SELECT * FROM threads.{table}",
            f"UPDATE threads.{table} SET reason = 'Another'",
            f"DELETE FROM threads.{table}",
            f"TRUNCATE threads.{table}",
            f"ALTER TABLE threads.{table} DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE threads.pets DISABLE TRIGGER ALL",
            "DROP TRIGGER log_pets_changes_trigger ON threads.pets",
        ):
            assert await is_refused(session, statement), statement


async def test_history_is_seen_in_its_own_workspace_alone(pets: Database, servers: Servers) -> None:
    workspace_id = new_id()
    await pet(pets, workspace_id)
    async with pets.workspace(workspace_id, actor=new_id()) as connection:
        await connection.execute("UPDATE pets SET name = 'Max'")
    async with signed_in(servers, ROLE) as session:
        for inside_of, count in ((None, 0), (new_id(), 0), (workspace_id, 1)):
            async with inside(session, inside_of):
                assert await session.fetchval("SELECT count(*) FROM threads.pets_history") == count
