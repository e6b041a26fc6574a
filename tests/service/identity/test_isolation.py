"""What belongs to a workspace is shown to identity's role inside that workspace alone."""

import pytest
import pytest_asyncio

from shared.contracts.identity.invitations import CREATE_INVITATION, CreateInvitation
from shared.contracts.identity.roles import CREATE_ROLE, CreateRole
from shared.contracts.identity.service_accounts import (
    CREATE_SERVICE_ACCOUNT,
    CREATE_SERVICE_TOKEN,
    CreateServiceAccount,
    CreateServiceToken,
)
from shared.contracts.identity.users import SET_ROLE, SetRole
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal, Role
from shared.credentials import background_role, database_role
from shared.identifiers import new_id
from shared.messaging.caller import Caller
from tests.servers import Servers
from tests.service.database.sessions import Session, inside, is_refused, signed_in
from tests.service.identity.conftest import AuthorizeSession, Register

TABLES = {
    "workspaces": "id",
    **dict.fromkeys(
        ("workspace_members", "workspace_members_history", "roles", "invitations", "service_accounts", "service_tokens", "audit_log"),
        "workspace_id",
    ),
}


@pytest_asyncio.fixture(loop_scope="session")
async def admin(register: Register, authorize: AuthorizeSession, call: Caller) -> Principal:
    """In a workspace that has a row in every table."""
    admin, bob = await authorize(await register("ada@example.org")), await register("bob@example.org")
    await call(SET_ROLE, SetRole(user_id=bob.user.id, role=Role.AGENT), admin)
    await call(CREATE_ROLE, CreateRole(name="auditor", permissions=[Permission.AUDIT_READ]), admin)
    await call(CREATE_INVITATION, CreateInvitation(workspace_id=admin.workspace_id), admin)
    account = await call(CREATE_SERVICE_ACCOUNT, CreateServiceAccount(name="Bot"), admin)
    await call(CREATE_SERVICE_TOKEN, CreateServiceToken(account_id=account.id, name="main", scopes=[Permission.ROOM_READ]), admin)
    return admin


async def counts(session: Session) -> dict[str, int]:
    return {table: await session.fetchval(f"SELECT count(*) FROM identity.{table}") for table in TABLES}


async def test_a_workspaces_rows_are_shown_inside_it_alone(servers: Servers, admin: Principal) -> None:
    nothing = dict.fromkeys(TABLES, 0)
    async with signed_in(servers, database_role("identity")) as session:
        assert await counts(session) == nothing
        async with inside(session, None):
            assert await counts(session) == nothing
        async with inside(session, new_id()):
            assert await counts(session) == nothing
        async with inside(session, admin.workspace_id):
            assert all(count > 0 for count in (await counts(session)).values())
        assert await counts(session) == nothing


async def test_nothing_of_a_workspace_is_changed_from_another(servers: Servers, admin: Principal) -> None:
    async with signed_in(servers, database_role("identity")) as session, inside(session, new_id()):
        await session.execute("SELECT set_config('app.actor', $1, true)", str(admin.user_id))
        for table in ("workspace_members", "roles", "invitations", "service_accounts", "service_tokens", "workspaces"):
            key = TABLES[table]
            assert await session.execute(f"UPDATE identity.{table} SET {key} = {key}") == "UPDATE 0", table


@pytest.mark.parametrize("role", [database_role("identity"), background_role("identity")])
async def test_history_is_written_by_nobody(servers: Servers, admin: Principal, role: str) -> None:
    async with signed_in(servers, role) as session, inside(session, admin.workspace_id):
        for statement in ("DELETE FROM {}", "UPDATE {} SET reason = ''", "INSERT INTO {} (operation_type) VALUES ('')"):
            assert await is_refused(session, statement.format("identity.workspace_members_history"))


async def test_a_change_that_names_nobody_fails(servers: Servers, admin: Principal) -> None:
    async with signed_in(servers, database_role("identity")) as session, inside(session, admin.workspace_id):
        with pytest.raises(Exception, match="names nobody"):
            await session.execute("UPDATE identity.workspace_members SET role = 'guest'")
