"""What the services' database roles may and may not do, for every service and every table that the database has."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import pytest
import pytest_asyncio

from shared.credentials import STORING_SERVICES, background_role, database_role
from shared.identifiers import new_id
from tests.servers import Servers
from tests.service.database.sessions import Session, inside, is_refused, signed_in

ROLES = [role(service) for service in STORING_SERVICES for role in (database_role, background_role)]
OWNER = "atrium_owner"
VERSION_TABLE = "schema_version"
# What belongs to the installation and not to a workspace. A new table is in no such list, and must have row-level security.
OF_THE_INSTALLATION = {
    "identity": {
        *("users", "users_history", "user_sessions", "signing_keys", "mailed_tokens", "mail_queue"),
        "access_permission_domains",
    },
    "graph": {"fills", "mirror", "unmirrored"},  # read by the role that mirrors alone
}

TABLES = """
SELECT nspname AS service, relname AS name, relrowsecurity AS secured, relispartition AS is_partition, relkind = 'p' AS is_partitioned,
       relowner::regrole::text AS owner
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND nspname = ANY($1) ORDER BY nspname, relname
"""
POLICIES = "SELECT schemaname || '.' || tablename AS path, policyname AS name, roles::text[], qual, with_check FROM pg_policies"
GRANTS = """
SELECT grantee, privilege_type FROM information_schema.role_table_grants
WHERE table_schema = $1 AND table_name = $2 AND grantee <> $3
"""
# Functions that anybody may call (grantee 0 is PUBLIC), or that run as the owner with a search path of the caller's.
LOOSE_FUNCTIONS = """
SELECT oid::regprocedure::text FROM pg_proc
WHERE pronamespace::regnamespace::text = ANY($1) AND (
    EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0)
    OR prosecdef AND NOT coalesce(array_to_string(proconfig, ' '), '') LIKE '%search_path=%pg_temp%')
"""
ATTRIBUTES = "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = $1"
MEMBERSHIPS = "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = $1::regrole"


class Table(NamedTuple):
    service: str
    name: str
    secured: bool
    is_partition: bool
    is_partitioned: bool
    owner: str

    @property
    def path(self) -> str:
        return f"{self.service}.{self.name}"

    @property
    def is_of_a_workspace(self) -> bool:
        return self.name not in {VERSION_TABLE, *OF_THE_INSTALLATION.get(self.service, ())}

    def insertion(self, workspace_id: UUID) -> str:
        """A row of a workspace; it need not be whole, as policies are asked before constraints. Its partition is found before them."""
        key = {"workspaces": "id", "inbox": "event_id", "parked": "id"}.get(self.name, "workspace_id")
        columns, values = (f"{key}, created_at", f"'{workspace_id}', now()") if self.is_partitioned else (key, f"'{workspace_id}'")
        return f"INSERT INTO {self.path} ({columns}) VALUES ({values})"


@pytest_asyncio.fixture(loop_scope="session")
async def tables(admin: Session, partition: str) -> list[Table]:
    """Every table of every service, as the database has them: a partition too."""
    found = [Table(*row) for row in await admin.fetch(TABLES, list(STORING_SERVICES))]
    assert {table.service for table in found} == set(STORING_SERVICES)
    return found


@pytest.mark.parametrize("role", ROLES)
async def test_a_services_role_has_no_power_over_the_server(admin: Session, role: str) -> None:
    assert [list(row) for row in await admin.fetch(ATTRIBUTES, role)] == [[False] * 5]


@pytest.mark.parametrize("role", ROLES)
async def test_a_services_role_is_a_member_of_no_other(admin: Session, role: str) -> None:
    assert await admin.fetch(MEMBERSHIPS, role) == []


async def test_every_table_belongs_to_the_owner_that_nobody_signs_in_as(admin: Session, tables: list[Table]) -> None:
    assert {table.owner for table in tables} == {OWNER}
    assert await admin.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", OWNER) is False


@pytest.mark.parametrize("role", ROLES)
async def test_a_services_role_cannot_read_the_passwords(servers: Servers, role: str) -> None:
    async with signed_in(servers, role) as session:
        assert await is_refused(session, "SELECT * FROM pg_authid")


@pytest.mark.parametrize("role", ROLES)
async def test_a_services_role_cannot_become_another(servers: Servers, role: str) -> None:
    others = {*ROLES, OWNER, "postgres"} - {role}
    async with signed_in(servers, role) as session:
        assert [other for other in others if not await is_refused(session, f"SET ROLE {other}")] == []


@pytest.mark.parametrize("role", ROLES)
async def test_a_services_role_can_make_nothing_in_any_schema(servers: Servers, role: str) -> None:
    async with signed_in(servers, role) as session:
        schemas = (*STORING_SERVICES, "public")
        assert [schema for schema in schemas if not await is_refused(session, f"CREATE TABLE {schema}.mine (id int)")] == []
        assert await is_refused(session, "CREATE SCHEMA mine")


async def test_every_table_of_a_workspace_has_row_level_security(tables: list[Table]) -> None:
    assert [table.path for table in tables if table.is_of_a_workspace and not table.is_partition and not table.secured] == []


async def test_a_services_own_role_sees_the_rows_of_its_workspace_alone(admin: Session, tables: list[Table]) -> None:
    services = {table.path: table.service for table in tables}
    policies = [row for row in await admin.fetch(POLICIES) if row["roles"] != [background_role(services[row["path"]])]]
    assert {row["path"] for row in policies}
    for row in policies:
        assert row["roles"] == [database_role(services[row["path"]])], row["path"]
        assert "current_setting('app.workspace'::text, true)" in row["qual"], row["path"]
        assert row["with_check"] == row["qual"], row["path"]


async def test_no_function_is_open_to_everybody_or_runs_in_a_foreign_search_path(admin: Session) -> None:
    assert await admin.fetch(LOOSE_FUNCTIONS, list(STORING_SERVICES)) == []


async def test_nobody_is_granted_anything_on_a_partition(admin: Session, tables: list[Table], partition: str) -> None:
    partitions = [table for table in tables if table.is_partition]
    assert {partition} <= {table.path for table in partitions}
    assert [table.path for table in partitions if await admin.fetch(GRANTS, table.service, table.name, OWNER)] == []


async def test_a_table_is_granted_to_the_roles_of_its_service_alone(admin: Session, tables: list[Table]) -> None:
    for table in tables:
        own = {database_role(table.service), background_role(table.service)}
        assert {row["grantee"] for row in await admin.fetch(GRANTS, table.service, table.name, OWNER)} <= own, table.path


@pytest.mark.parametrize("service", STORING_SERVICES)
@pytest.mark.parametrize("role", [database_role, background_role])
async def test_a_role_reaches_no_table_of_another_service(
    servers: Servers, tables: list[Table], service: str, role: Callable[[str], str]
) -> None:
    async with signed_in(servers, role(service)) as session:
        others = [table.path for table in tables if table.service != service]
        statements = [f"{verb} {path}" for path in others for verb in ("SELECT FROM", "DELETE FROM", "TRUNCATE")]
        assert [statement for statement in statements if not await is_refused(session, statement)] == []


@pytest.mark.parametrize("service", STORING_SERVICES)
async def test_without_a_workspace_a_service_sees_no_row_of_any(servers: Servers, tables: list[Table], service: str) -> None:
    async with signed_in(servers, database_role(service)) as session:
        for table in tables:
            if table.service == service and table.is_of_a_workspace and await _may_read(session, table):
                assert await session.fetchval(f"SELECT count(*) FROM {table.path}") == 0, table.path


@pytest.mark.parametrize("service", STORING_SERVICES)
async def test_in_an_unknown_workspace_a_service_sees_no_row(servers: Servers, tables: list[Table], service: str) -> None:
    async with signed_in(servers, database_role(service)) as session, inside(session, new_id()):
        for table in tables:
            if table.service == service and table.is_of_a_workspace and await _may_read(session, table):
                assert await session.fetchval(f"SELECT count(*) FROM {table.path}") == 0, table.path


@pytest.mark.parametrize("service", STORING_SERVICES)
@pytest.mark.parametrize("workspace_id", [None, new_id()], ids=["without a workspace", "from another workspace"])
async def test_a_service_writes_no_row_into_a_workspace(
    servers: Servers, tables: list[Table], service: str, workspace_id: UUID | None
) -> None:
    async with signed_in(servers, database_role(service)) as session, inside(session, workspace_id):
        written = [table for table in tables if table.service == service and table.is_of_a_workspace and not table.is_partition]
        statements = [table.insertion(new_id()) for table in written]
        assert [statement for statement in statements if not await is_refused(session, statement)] == []


async def _may_read(session: Session, table: Table) -> bool:
    return bool(await session.fetchval("SELECT has_table_privilege($1, 'SELECT')", table.path))


@pytest.mark.parametrize("service", STORING_SERVICES)
async def test_no_service_can_change_the_version_of_its_schema(servers: Servers, service: str) -> None:
    async with signed_in(servers, database_role(service)) as session:
        assert await session.fetchval(f"SELECT version_num FROM {service}.{VERSION_TABLE}")
        assert await is_refused(session, f"UPDATE {service}.{VERSION_TABLE} SET version_num = 'mine'")


async def test_a_new_table_without_row_level_security_would_be_noticed(admin: Session) -> None:
    async with inside(admin, None):
        await admin.execute("CREATE TABLE messages.forgotten (workspace_id uuid)")
        forgotten = [Table(*row) for row in await admin.fetch(TABLES, ["messages"]) if not row["secured"] and not row["is_partition"]]
    assert [table.path for table in forgotten if table.is_of_a_workspace] == ["messages.forgotten"]
