"""The roles of deploy/postgres, in a database of their own: an admin who is no superuser brings up all schemas."""

import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest
import pytest_asyncio

from shared.credentials import STORING_SERVICES, background_role, database_role
from shared.database.connections import Database, as_role
from shared.database.migrations import migrate, outdated
from shared.embedded import Postgres, socket_folder
from shared.embedded.account import postgres_account
from shared.embedded.postgres import binaries
from tests.servers import QUICK, data_folder

ROLES_SQL = Path(__file__).parents[3] / "deploy/postgres/roles.sql"
ADMIN = "atrium_admin"
ROLES = [role(service) for service in STORING_SERVICES for role in (database_role, background_role)]


class Deployed(NamedTuple):
    """A database that was made as docker-compose.yml makes it."""

    url: str
    superuser_url: str
    programs: Path

    def run(self, program: str, *arguments: str, database: str = "atrium", environment: Mapping[str, str] | None = None) -> None:
        """One of PostgreSQL's programs, as the superuser."""
        url = self.superuser_url.replace("/atrium?", f"/{database}?")
        command = [str(self.programs / program), "--dbname", url, *arguments]
        subprocess.run(command, env={"PATH": os.defpath, **(environment or {})}, check=True)

    def as_role(self, role: str) -> str:
        return as_role(self.url, role, password_of(role))


def variable(role: str) -> str:
    """The variable of the env file with the role's password."""
    _, service, *background = role.upper().split("_")
    return "_".join(["POSTGRES", *background, "PASSWORD", service])


def password_of(role: str) -> str:
    return f"of-{role}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployed() -> AsyncIterator[Deployed]:
    with data_folder() as data:
        sockets = socket_folder(data, postgres_account())
        postgres = Postgres(data, sockets, "of-postgres", QUICK)
        await postgres.start()
        try:
            deployed = Deployed(postgres.url, postgres.admin_url, binaries(postgres.account))
            passwords = {variable(role): password_of(role) for role in (ADMIN, *ROLES)}
            deployed.run("psql", "--no-psqlrc", "--quiet", "--file", str(ROLES_SQL), environment=passwords)
            yield deployed
        finally:
            await postgres.stop()
            shutil.rmtree(sockets, ignore_errors=True)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def migrated(deployed: Deployed) -> Deployed:
    await migrate(deployed.as_role(ADMIN), None, lambda line: None)
    return deployed


def test_the_roles_take_their_passwords_from_the_env_file() -> None:
    assert set(re.findall(r"^\\getenv \w+ (\w+)$", ROLES_SQL.read_text(), re.MULTILINE)) == {variable(role) for role in (ADMIN, *ROLES)}


async def test_the_admin_is_no_superuser(migrated: Deployed) -> None:
    database = await asyncpg.connect(migrated.as_role(ADMIN))
    row = await database.fetchrow("SELECT rolsuper, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = current_user")
    await database.close()
    assert list(row or ()) == [False, False, False]


async def test_the_admin_brings_every_schema_up_to_date(migrated: Deployed) -> None:
    assert await outdated(migrated.as_role(ADMIN)) == {}


async def test_a_second_migration_changes_nothing(migrated: Deployed) -> None:
    lines: list[str] = []
    await migrate(migrated.as_role(ADMIN), None, lines.append)
    assert lines == []


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_signs_in_with_its_password_and_passes_the_check_at_start(migrated: Deployed, role: str) -> None:
    database = Database(migrated.as_role(role), role.split("_")[1], connections=1)
    await database.open()
    try:
        assert await database.role_is_safe()
        assert await database.schema_version()
    finally:
        await database.close()


async def test_the_operator_sees_the_rows_of_every_workspace_as_the_admin(migrated: Deployed) -> None:
    database = await asyncpg.connect(migrated.as_role(ADMIN))
    names = [row["name"] for row in await database.fetch("SELECT name FROM identity.workspaces")]
    await database.close()
    assert names == ["Atrium"]


async def test_the_superuser_may_migrate_what_the_admin_made(migrated: Deployed) -> None:
    await migrate(migrated.superuser_url, None, lambda line: None)
    assert await outdated(migrated.superuser_url) == {}


async def test_a_backup_is_restored_where_nothing_was_migrated(migrated: Deployed, tmp_path: Path) -> None:
    migrated.run("pg_dump", "--format", "custom", "--file", str(tmp_path / "atrium.dump"))
    migrated.run("psql", "--no-psqlrc", "--quiet", "--command", f"CREATE DATABASE restored OWNER {ADMIN}")
    migrated.run("pg_restore", "--exit-on-error", str(tmp_path / "atrium.dump"), database="restored")
    restored = migrated._replace(url=migrated.url.replace("/atrium?", "/restored?"))
    lines: list[str] = []
    await migrate(restored.as_role(ADMIN), None, lines.append)
    assert lines == []
    identity = Database(restored.as_role(database_role("identity")), "identity", connections=1)
    await identity.open()
    try:
        async with identity.connection() as connection:
            assert await connection.fetchval("SELECT default_workspace()") is not None
        assert await identity.role_is_safe()
    finally:
        await identity.close()
